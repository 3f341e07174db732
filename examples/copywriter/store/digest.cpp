#include "copywriter/store/digest.h"

#include <algorithm>
#include <fstream>
#include <memory>
#include <vector>

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>

#include "adlib/core/error.h"

namespace adlib::copywriter {
namespace {

class Sha256 {
 public:
  Sha256() : context_(EVP_MD_CTX_new()) {
    if (!context_ || EVP_DigestInit_ex(context_.get(), EVP_sha256(), nullptr) != 1)
      fail(ErrorCode::unsupported, "sha256: OpenSSL has none");
  }
  void add(const void* bytes, std::size_t size) { EVP_DigestUpdate(context_.get(), bytes, size); }
  Digest value() {
    Digest out;
    EVP_DigestFinal_ex(context_.get(), reinterpret_cast<unsigned char*>(out.data()), nullptr);
    return out;
  }

 private:
  struct Free {
    void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
  };
  std::unique_ptr<EVP_MD_CTX, Free> context_;
};

}  // namespace

Digest sha256(std::string_view bytes) {
  Sha256 hash;
  hash.add(bytes.data(), bytes.size());
  return hash.value();
}

Digest sha256_of_file(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  if (!in) fail(ErrorCode::io, file.string(), ": cannot be read");
  Sha256 hash;
  std::vector<char> block(1 << 16);
  while (in.read(block.data(), static_cast<std::streamsize>(block.size())) || in.gcount() > 0)
    hash.add(block.data(), static_cast<std::size_t>(in.gcount()));
  if (in.bad()) fail(ErrorCode::io, file.string(), ": reading failed");
  return hash.value();
}

Digest sha256_of_directory(const std::filesystem::path& directory) {
  std::vector<std::string> paths;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(
           directory, std::filesystem::directory_options::follow_directory_symlink)) {
    if (entry.is_regular_file()) paths.push_back(entry.path().lexically_relative(directory).generic_string());
  }
  std::sort(paths.begin(), paths.end());
  Sha256 hash;
  for (const std::string& path : paths) {
    hash.add(path.c_str(), path.size() + 1);
    const Digest content = sha256_of_file(directory / path);
    hash.add(content.data(), content.size());
  }
  return hash.value();
}

Digest hmac_sha256(std::span<const std::byte> key, std::string_view bytes) {
  Digest out;
  unsigned int size = 0;
  if (HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()),
           reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(),
           reinterpret_cast<unsigned char*>(out.data()), &size) == nullptr)
    fail(ErrorCode::unsupported, "hmac_sha256: OpenSSL has none");
  return out;
}

Digest random_key() {
  Digest key;
  if (RAND_bytes(reinterpret_cast<unsigned char*>(key.data()), static_cast<int>(key.size())) != 1)
    fail(ErrorCode::io, "the system gives no random bytes");
  return key;
}

std::string hexadecimal(std::span<const std::byte> bytes) {
  std::string out;
  out.reserve(2 * bytes.size());
  for (const std::byte byte : bytes) {
    out += "0123456789abcdef"[std::to_integer<unsigned>(byte) >> 4];
    out += "0123456789abcdef"[std::to_integer<unsigned>(byte) & 15];
  }
  return out;
}

}  // namespace adlib::copywriter
