#include "copywriter/shop/json_line.h"

namespace adlib::copywriter {

std::string to_line(const OrderedJson& record) {
  return record.dump(-1, ' ', false, OrderedJson::error_handler_t::replace) + "\n";
}

}  // namespace adlib::copywriter
