// The JSON objects of the commands about mirrors.
//
// Pure but for the writer, which belongs to the caller.
#pragma once

#include "deltalakedb/mirror.h"
#include "protocol/action_writer.h"

namespace deltalakedb::cli {

void WriteMirrorInfo(const MirrorInfo& mirror, protocol::JsonWriter& writer);
void WriteMirrorVersion(const MirrorVersion& version, protocol::JsonWriter& writer);
void WriteMirrorFailure(const MirrorFailure& failure, protocol::JsonWriter& writer);
void WriteMirrorRun(const MirrorRun& run, protocol::JsonWriter& writer);
void WriteMirrorVerification(const MirrorVerification& verification, protocol::JsonWriter& writer);
void WriteRepairReport(const RepairReport& report, protocol::JsonWriter& writer);

}  // namespace deltalakedb::cli
