#include <algorithm>

#include "support.h"
#include "support/files.h"

using namespace adlib;
using namespace adlib::copywriter;
using adlib::test::have;
using adlib::test::shared_dir;

namespace {

const Product& find(const std::vector<Product>& products, const std::string& id) {
  const auto found =
      std::find_if(products.begin(), products.end(), [&](const Product& p) { return p.id == id; });
  REQUIRE(found != products.end());
  return *found;
}

}  // namespace

TEST_CASE("Shopify's apparel export is read as it comes", "[copywriter][shopify][golden]") {
  const auto path = shared_dir() / "data/shopify/apparel.csv";
  if (!have(path)) return;
  const auto products = read_products(path);
  REQUIRE(products.size() == 20);
  const Product& top = find(products, "classic-varsity-top");
  CHECK(top.source.line == 3);
  CHECK(top.variants.size() == 3);
  CHECK(top.options == NamedValues{{"Size", {"Small", "Medium", "Large"}}});
  CHECK(top.price->amount == "60");
  CHECK_FALSE(top.price_max.has_value());
  CHECK(top.images.size() == 1);
  CHECK(top.tags == std::vector<std::string>{"women"});
  CHECK(top.brand == "partners-demo");
  CHECK(top.category.empty());
  const Product& jumper = find(products, "yellow-wool-jumper");
  CHECK(jumper.options.empty());
  // The file has no-break spaces and a blank at the end here.
  CHECK_THAT(jumper.description, ContainsSubstring("wide sleeves and think cuffs"));
  CHECK(jumper.description.ends_with("during Fall."));
}

TEST_CASE("Shopify's home-and-garden export is read as it comes", "[copywriter][shopify][golden]") {
  const auto path = shared_dir() / "data/shopify/home-and-garden.csv";
  if (!have(path)) return;
  const auto products = read_products(path);
  REQUIRE(products.size() == 20);
  const Product& pot = find(products, "clay-plant-pot");
  CHECK(pot.description == "Classic blown clay pot for plants");
  CHECK(pot.price->amount == "9.99");
  CHECK(pot.price_max->amount == "15.99");
  CHECK(pot.images.size() == 2);
  CHECK(pot.tags == std::vector<std::string>{"Pot", "Plants"});
  CHECK(pot.category == "Outdoor");
  CHECK(find(products, "cream-sofa").compare_at_price->amount == "750");
  CHECK_FALSE(find(products, "pink-armchair").compare_at_price.has_value());
}

TEST_CASE("The Taobao log gives 3,025 customers and 165 products", "[copywriter][log][golden]") {
  const auto path = shared_dir() / "data/taobao_behavior/user_behavior.csv";
  if (!have(path)) return;
  const auto customers = read_customers(path);
  REQUIRE(customers.size() == 3025);
  std::size_t views = 0, favourites = 0, cart = 0, purchases = 0, busiest = 0;
  for (const Customer& customer : customers) {
    views += customer.browsing.size();
    favourites += customer.favourites.size();
    cart += customer.cart.size();
    purchases += customer.purchases.size();
    busiest = std::max(busiest, customer.browsing.size() + customer.favourites.size() + customer.cart.size() +
                                    customer.purchases.size());
    const auto sorted = [](const std::vector<Event>& events) {
      return std::is_sorted(events.begin(), events.end(),
                            [](const Event& a, const Event& b) { return a.time < b.time; });
    };
    CHECK((sorted(customer.browsing) && sorted(customer.purchases)));
    CHECK((!customer.interests.empty() && customer.interests.size() <= 5));
  }
  CHECK(views == 3846);
  CHECK(favourites == 732);
  CHECK(cart == 1526);
  CHECK(purchases == 24125);
  CHECK(busiest == 27);
  CHECK(customers[0].id == "768933");

  const auto products = read_products(path);
  REQUIRE(products.size() == 165);
  const Product& phone = find(products, "4073737");
  CHECK(phone.title == "VIVOX100 Pro 128GB 蓝色");
  CHECK(phone.brand == "VIVO");
  CHECK(phone.category == "电子产品");
  CHECK(phone.price->amount == "6329.2");
  CHECK(phone.extras == io::Json({{"brand_id", "647850"}, {"category_id", "1788515"}}));
}
