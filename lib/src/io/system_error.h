// io/system_error.h: what errno says, as an Error that names the path and the likely cure.
#pragma once

#include <cerrno>
#include <filesystem>
#include <system_error>

#include "adlib/core/error.h"

namespace adlib::io {

/// Throws for a failed system call: "cannot <action> 'path': <system's reason>; <what to do>". ENOENT becomes
/// Error(not_found), everything else Error(io).
[[noreturn]] inline void fail_system(const char* action, const std::filesystem::path& path, int code) {
  const char* cure = "";
  switch (code) {
    case ENOSPC:
    case EDQUOT:
      cure = "; the disk is full: free some space or write elsewhere";
      break;
    case EACCES:
    case EPERM:
      cure = "; check the owner and the permissions of the file and its directory";
      break;
    case EROFS:
      cure = "; the file system is mounted read-only";
      break;
    case ENOENT:
      cure = "; check the spelling, and that its directory exists";
      break;
    case ENOTDIR:
      cure = "; a part of the path is a file, not a directory";
      break;
    case EMFILE:
    case ENFILE:
      cure = "; too many files are open: raise `ulimit -n`";
      break;
    case ENAMETOOLONG:
      cure = "; choose a shorter name";
      break;
    default:
      break;
  }
  fail(code == ENOENT ? ErrorCode::not_found : ErrorCode::io, "cannot ", action, " '", path.string(),
       "': ", std::generic_category().message(code), cure);
}

}  // namespace adlib::io
