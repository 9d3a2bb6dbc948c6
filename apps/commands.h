// The commands. Each function adds one to the program.
#pragma once

namespace deltalakedb::cli {

class Program;

void AddHistoryCommand(Program& program);
void AddSnapshotCommand(Program& program);
void AddFilesCommand(Program& program);
void AddSchemaCommand(Program& program);
void AddProtocolCommand(Program& program);
void AddPropertiesCommand(Program& program);
void AddInitCommand(Program& program);
void AddMigrateCommands(Program& program);
void AddImportCommand(Program& program);
void AddExportCommand(Program& program);
void AddCommitCommand(Program& program);
void AddCreateCommand(Program& program);
void AddSetPropertiesCommand(Program& program);
void AddAppendCommand(Program& program);
void AddOverwriteCommand(Program& program);
void AddScanCommand(Program& program);
void AddDeleteCommand(Program& program);
void AddUpdateCommand(Program& program);
void AddMergeCommand(Program& program);
void AddOptimizeCommand(Program& program);
void AddVacuumCommand(Program& program);
void AddRestoreCommand(Program& program);
void AddAddColumnsCommand(Program& program);
void AddDropCommand(Program& program);
void AddMirrorCommands(Program& program);
void AddTablesCommand(Program& program);
void AddVerifyCommand(Program& program);
void AddReindexCommand(Program& program);
void AddCompletionCommand(Program& program);

}  // namespace deltalakedb::cli
