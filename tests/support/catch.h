// tests/support/catch.h: Catch2 2.13 (Debian 12) and 3.x (newer systems) behind one include.
#pragma once

#if __has_include(<catch2/catch_all.hpp>)
#include <catch2/catch_all.hpp>
using Catch::Approx;
using Catch::Matchers::ContainsSubstring;
#else
#include <catch2/catch.hpp>
namespace adlib::test {
inline auto ContainsSubstring(const std::string& text) { return Catch::Matchers::Contains(text); }
}  // namespace adlib::test
using adlib::test::ContainsSubstring;
#endif
