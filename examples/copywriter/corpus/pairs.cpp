#include "copywriter/corpus/pairs.h"

#include <algorithm>
#include <fstream>

#include "adlib/core/error.h"
#include "adlib/io/atomic_file.h"
#include "adlib/io/json.h"
#include "copywriter/shop/text.h"

namespace adlib::copywriter::corpus {
namespace {

constexpr std::int64_t kDrawsPerPair = 1000;  // more would say that there is nothing unseen to draw

// "：" of Chinese prompts or ": " of English ones parts an attribute's name from its value.
std::string value_of(const std::string& fact) {
  for (const std::string_view colon : {"：", ": "}) {
    const std::size_t at = fact.find(colon);
    if (at != std::string::npos) return fact.substr(at + colon.size());
  }
  return fact;
}

OrderedJson product_record(const Product& product, const std::string& id) {
  OrderedJson record{{"id", id}, {"title", product.title}};
  if (!product.brand.empty()) record["brand"] = product.brand;
  if (!product.category.empty()) record["category"] = product.category;
  if (product.price) {
    record["price"] = product.price->amount;
    record["currency"] = product.price->currency;
  }
  if (product.compare_at_price) record["compare_at_price"] = product.compare_at_price->amount;
  for (const auto& [name, values] : product.attributes) record["attributes"][name] = values;
  if (!product.description.empty()) record["description"] = product.description;
  return record;
}

OrderedJson customer_record(const MadeCustomer& made, const std::string& id) {
  const Customer& customer = made.customer;
  OrderedJson record{{"id", id}};
  if (!customer.name.empty()) record["name"] = customer.name;
  if (customer.age) record["age"] = *customer.age;
  if (!customer.gender.empty()) record["gender"] = customer.gender;
  if (!customer.interests.empty()) record["interests"] = customer.interests;
  const auto add_events = [&](const char* field, const std::vector<Event>& events) {
    for (const Event& event : events) {
      OrderedJson item;
      if (!event.title.empty()) item["title"] = event.title;
      if (!event.category.empty()) item["category"] = event.category;
      record[field].push_back(std::move(item));
    }
  };
  add_events("purchases", customer.purchases);
  add_events("browsing", customer.browsing);
  add_events("cart", customer.cart);
  add_events("favourites", customer.favourites);
  for (const Review& review : customer.reviews) record["reviews"].push_back(review.text);
  if (!customer.member_level.empty()) record["member_level"] = customer.member_level;
  if (customer.spend) {
    record["spend"] = customer.spend->amount;
    record["currency"] = customer.spend->currency;
  }
  for (const auto& [name, value] : customer.extras.items()) record[name] = value;
  if (made.kind) record["kind"] = made.kind->id;
  return record;
}

bool seen(const Product& product, const std::set<std::string>& facts) {
  return facts.contains(product.title) || facts.contains(product.brand) ||
         std::any_of(product.attributes.begin(), product.attributes.end(),
                     [&](const auto& attribute) { return facts.contains(attribute.second[0]); });
}

}  // namespace

std::set<std::string> facts_of(const std::filesystem::path& corpus) {
  std::ifstream in(corpus);
  if (!in.is_open()) fail(ErrorCode::not_found, "cannot open ", corpus.string());
  std::set<std::string> facts;
  io::for_each_json_line(in, corpus.string(), [&](io::Json&& record, std::int64_t number) {
    const std::string prompt = io::JsonFields(record, concat(corpus.string(), ":", number)).string("prompt");
    // No field holds "<|", so that each begins a tag.
    for (std::size_t at = prompt.find("<|"); at != std::string::npos;) {
      const std::size_t next = prompt.find("<|", at + 1);
      const std::string_view field = std::string_view(prompt).substr(at, next - at);
      const std::size_t behind_tag = std::min(field.find("|>"), field.size() - 2) + 2;
      const std::string_view tag = field.substr(0, behind_tag);
      const std::string text(trim(field.substr(behind_tag)));
      if (tag == "<|product|>" || tag == "<|brand|>") facts.insert(text);
      if (tag == "<|fact|>") facts.insert(value_of(text));
      at = next;
    }
  });
  return facts;
}

void write_pairs(const ExampleMaker& maker, const PairOptions& options,
                 const std::filesystem::path& directory) {
  io::make_directories(directory);
  io::AtomicFile products(directory / "products.jsonl"), customers(directory / "customers.jsonl"),
      copies(directory / "corpus-copies.jsonl");
  std::int64_t written = 0;
  for (std::int64_t drawn = 0; written < options.count; ++drawn) {
    require(drawn < options.count * kDrawsPerPair, "corpus: of ", drawn, " products that were drawn only ",
            written, " are new; ask for fewer, or write more words for names to be made of");
    const Example example = maker.make(options.seed, static_cast<std::uint64_t>(drawn), options.language);
    const Product& product = example.product.product;
    if (seen(product, options.unlike)) continue;
    const std::string number = std::to_string(++written);
    products.write(product_record(product, "p" + number).dump() + "\n");
    customers.write(customer_record(example.customer, "c" + number).dump() + "\n");
    OrderedJson copy = training_record(example);
    copy["text"] = trim(example.copy);
    copies.write(copy.dump() + "\n");
  }
  products.commit();
  customers.commit();
  copies.commit();
}

}  // namespace adlib::copywriter::corpus
