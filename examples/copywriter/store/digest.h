// copywriter/store/digest.h: SHA-256, of texts and files, with and without a key (OpenSSL's).
#pragma once

#include <array>
#include <cstddef>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>

namespace adlib::copywriter {

using Digest = std::array<std::byte, 32>;

Digest sha256(std::string_view bytes);
/// Of a whole file. Throws Error(io).
Digest sha256_of_file(const std::filesystem::path& file);
/// Of every regular file under a directory: its path from there, and what it holds, in the order of the
/// paths. Throws Error(io).
Digest sha256_of_directory(const std::filesystem::path& directory);
/// HMAC (RFC 2104).
Digest hmac_sha256(std::span<const std::byte> key, std::string_view bytes);
/// 32 bytes that nobody can guess.
Digest random_key();
/// Lower-case digits.
std::string hexadecimal(std::span<const std::byte> bytes);

}  // namespace adlib::copywriter
