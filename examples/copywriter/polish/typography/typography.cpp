#include "copywriter/polish/typography/typography.h"

#include <algorithm>
#include <string>

#include "copywriter/polish/typography/text.h"

namespace adlib::copywriter {
namespace {

constexpr int kRounds = 8;  // of fixes that bring up others; more than two are rare

void sort_by_place(std::vector<Finding>& findings) {
  std::stable_sort(findings.begin(), findings.end(), [](const Finding& a, const Finding& b) {
    return a.where.begin != b.where.begin ? a.where.begin < b.where.begin : a.where.end < b.where.end;
  });
}

std::vector<Finding> look(std::string_view text, Language language) {
  using namespace typography;
  Proof proof(text, language);
  check_characters(proof);
  check_placeholders(proof);
  blank_verbatim(proof);
  check_marks(proof);
  check_pairs(proof);
  if (language == Language::zh) {
    check_chinese(proof);
  } else {
    check_english(proof);
    check_articles(proof);
  }
  std::vector<Finding> findings = std::move(proof.findings());
  sort_by_place(findings);
  // Of fixes that overlap the first stays; the next round sees what is left to do.
  std::size_t free = 0;
  for (Finding& finding : findings) {
    if (!finding.fix) continue;
    if (finding.where.begin < free ||
        *finding.fix == text.substr(finding.where.begin, finding.where.end - finding.where.begin)) {
      finding.fix.reset();
    } else {
      free = finding.where.end;
    }
  }
  return findings;
}

// A fix, in the text before it and in the text after all of its round. Or, of the next round, a fix of that
// text.
struct Edit {
  Range before, after;
  std::size_t finding;
  bool next;
};

std::string apply_fixes(std::string_view text, const std::vector<Finding>& findings,
                        std::vector<Edit>* edits) {
  std::string out;
  std::size_t done = 0;
  for (std::size_t i = 0; i < findings.size(); ++i) {
    if (!findings[i].fix) continue;
    out += text.substr(done, findings[i].where.begin - done);
    const std::size_t begin = out.size();
    out += *findings[i].fix;
    done = findings[i].where.end;
    if (edits) edits->push_back({findings[i].where, {begin, out.size()}, i, false});
  }
  out += text.substr(done);
  return out;
}

// Makes one fix of those of this round and of the next that touch. `edits` are those of `findings`, `later`
// what is found in `middle`, the text after them.
void merge(std::vector<Finding>& findings, const std::vector<Edit>& edits, const std::vector<Finding>& later,
           std::string_view text, std::string_view middle) {
  std::vector<Edit> all = edits;
  for (std::size_t i = 0; i < later.size(); ++i) {
    if (later[i].fix) all.push_back({{}, later[i].where, i, true});
  }
  std::stable_sort(all.begin(), all.end(), [](const Edit& a, const Edit& b) {
    return a.after.begin != b.after.begin ? a.after.begin < b.after.begin : a.after.end < b.after.end;
  });
  std::size_t grown = 0, shrunk = 0;  // by the edits before the group
  for (std::size_t first = 0, last; first < all.size(); first = last) {
    Range group = all[first].after;
    for (last = first; last < all.size() && all[last].after.begin <= group.end; ++last) {
      group.end = std::max(group.end, all[last].after.end);
    }
    std::string with;
    std::size_t done = group.begin, own_grown = 0, own_shrunk = 0;
    const Edit *old = nullptr, *next = nullptr;
    for (std::size_t i = first; i < last; ++i) {
      const Edit& edit = all[i];
      if (!edit.next) {
        if (!old) old = &edit;
        own_grown += edit.after.end - edit.after.begin;
        own_shrunk += edit.before.end - edit.before.begin;
        continue;
      }
      if (!next) next = &edit;
      with += middle.substr(done, edit.after.begin - done);
      with += *later[edit.finding].fix;
      done = edit.after.end;
    }
    with += middle.substr(done, group.end - done);
    const std::size_t begin = group.begin + shrunk - grown;
    grown += own_grown;
    shrunk += own_shrunk;
    const Range where = {begin, group.end + shrunk - grown};
    if (!next) continue;
    for (std::size_t i = first; i < last; ++i) {
      if (!all[i].next) findings[all[i].finding].fix.reset();
    }
    if (!old) findings.push_back(later[next->finding]);
    Finding& one = old ? findings[old->finding] : findings.back();
    one.where = where;
    if (with != text.substr(where.begin, where.end - where.begin))
      one.fix = std::move(with);
    else
      one.fix.reset();
  }
}

std::vector<Finding> settle(std::string_view text, Language language, int rounds) {
  std::vector<Finding> findings = look(text, language);
  std::vector<Edit> edits;
  const std::string middle = apply_fixes(text, findings, &edits);
  if (edits.empty()) return findings;
  if (rounds == 0) {
    for (Finding& finding : findings) finding.fix.reset();
    return findings;
  }
  // One fix may bring up another: in "。 。" a space first, then a mark twice.
  merge(findings, edits, settle(middle, language, rounds - 1), text, middle);
  sort_by_place(findings);
  return findings;
}

}  // namespace

std::vector<Finding> check_typography(std::string_view text, Language language) {
  return settle(text, language, kRounds);
}

}  // namespace adlib::copywriter
