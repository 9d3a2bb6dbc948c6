// Who publishes a mirror, as the catalog keeps it: a name of the process, from which others on the
// same machine can tell that it has died. Elsewhere a lease has to run out.
//
// Thread-safety: free functions, safe from any thread.
#pragma once

#include <string>
#include <string_view>

namespace deltalakedb::mirror {

// A name for one attempt of this process, no two the same.
std::string MakeOwner();

// Whether the process that made the name ran where this one can see it, and does no more.
bool IsOwnerGone(std::string_view owner);

}  // namespace deltalakedb::mirror
