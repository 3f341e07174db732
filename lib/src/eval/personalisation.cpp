#include "adlib/eval/personalisation.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "adlib/core/error.h"
#include "adlib/eval/facts.h"
#include "eval/values.h"

namespace adlib::eval {
namespace {

using Terms = std::map<std::u32string, double>;  // in order: sums must not depend on a hash

void add_terms(std::string_view text, Terms& terms) {
  std::u32string run;
  const auto flush = [&] {
    if (run.empty()) return;
    if (run.front() < 0x80 || run.size() == 1) {
      ++terms[run];
    } else {
      for (std::size_t i = 0; i + 1 < run.size(); ++i) ++terms[run.substr(i, 2)];
    }
    run.clear();
  };
  for (const char32_t c : normalised(text)) {
    const bool letter = !letters_and_digits({&c, 1}).empty();
    if (!run.empty() && (!letter || (run.front() < 0x80) != (c < 0x80))) flush();
    if (letter) run += c;
  }
  flush();
}

// Longer values first, so that a value is not taken out of the middle of another.
std::vector<std::u32string> longest_first(std::span<const std::string> values) {
  std::vector<std::u32string> out;
  for (const std::string& value : values) out.push_back(normalised(value));
  std::sort(out.begin(), out.end(), [](const std::u32string& a, const std::u32string& b) {
    return a.size() != b.size() ? a.size() > b.size() : a < b;
  });
  out.erase(std::unique(out.begin(), out.end()), out.end());
  return out;
}

std::string taken_out(std::string_view text, std::span<const std::u32string> values) {
  std::u32string left = normalised(text);
  for (const std::u32string& value : values) {
    for (std::size_t at = find_whole(left, value); at != std::u32string::npos;
         at = find_whole(left, value, at)) {
      left.replace(at, value.size(), 1, U' ');  // what stood around it stays apart
    }
  }
  return utf8(letters_and_digits(left));
}

}  // namespace

std::string without_values(std::string_view text, std::span<const std::string> values) {
  return taken_out(text, longest_first(values));
}

std::vector<std::size_t> match_customer(std::string_view copy, std::span<const CustomerValues> customers) {
  std::vector<Terms> known(customers.size());
  std::map<std::u32string, double> holders;
  for (std::size_t c = 0; c < customers.size(); ++c) {
    for (const std::string& value : customers[c]) add_terms(value, known[c]);
    for (const auto& [term, count] : known[c]) ++holders[term];
  }
  Terms said;
  add_terms(copy, said);

  const auto all = static_cast<double>(customers.size());
  double best = 0;
  std::vector<std::size_t> matched;
  for (std::size_t c = 0; c < customers.size(); ++c) {
    double product = 0, square = 0;
    for (const auto& [term, count] : known[c]) {
      const double weight = std::log(all / holders.at(term));
      square += count * weight * count * weight;
      const auto in_copy = said.find(term);
      if (in_copy != said.end()) product += in_copy->second * weight * count * weight;
    }
    const double cosine =
        square > 0 ? product / std::sqrt(square) : 0.0;  // the copy's own length is common to all
    if (cosine > best) matched.clear();
    best = std::max(best, cosine);
    if (cosine == best) matched.push_back(c);
  }
  return matched;
}

Personalisation personalisation(std::span<const std::vector<std::string>> copies,
                                std::span<const CustomerValues> customers) {
  require(!copies.empty() && customers.size() >= 2, "personalisation: got ", copies.size(), " products and ",
          customers.size(), " customers, expected at least one product and two customers");
  std::vector<std::string> all_values;
  for (const CustomerValues& values : customers)
    all_values.insert(all_values.end(), values.begin(), values.end());
  const std::vector<std::u32string> values = longest_first(all_values);

  Personalisation out;
  out.products = std::ssize(copies);
  double pairs = 0, right = 0;
  for (const std::vector<std::string>& row : copies) {
    require(row.size() == customers.size(), "personalisation: a product has ", row.size(),
            " copies, expected one for each of ", customers.size(), " customers");
    std::map<std::string, double> left;
    for (const std::string& copy : row) ++left[taken_out(copy, values)];
    const auto count = static_cast<double>(row.size());
    double equal = 0;
    for (const auto& [text, times] : left) equal += times * (times - 1) / 2;
    out.products_differ += left.size() > 1 ? 1 : 0;
    out.pairs_differ += count * (count - 1) / 2 - equal;
    pairs += count * (count - 1) / 2;

    for (std::size_t c = 0; c < row.size(); ++c) {
      if (attribute_coverage(row[c], customers[c]).found > 0) ++out.values_used;
      const std::size_t first = c - c % Personalisation::choices;
      if (first + Personalisation::choices > customers.size()) continue;
      const auto matched = match_customer(row[c], customers.subspan(first, Personalisation::choices));
      if (std::find(matched.begin(), matched.end(), c - first) != matched.end()) {
        right += 1 / static_cast<double>(matched.size());
      }
      ++out.matched;
    }
  }
  const auto products = static_cast<double>(out.products);
  out.products_differ /= products;
  out.pairs_differ /= pairs;
  out.values_used /= products * static_cast<double>(customers.size());
  if (out.matched > 0) out.match_accuracy = right / static_cast<double>(out.matched);
  return out;
}

}  // namespace adlib::eval
