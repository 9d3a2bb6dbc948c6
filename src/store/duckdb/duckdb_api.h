// The functions of DuckDB's C library that the driver calls. The library is loaded when the first
// DuckDB database is opened: programs that use none start without it, and none of its many exported
// names meets those of other libraries (docs/adr/0009-duckdb-as-a-store.md).
//
// Thread-safety: all of it may be used from any thread.
#pragma once

#include <duckdb.h>

#include <type_traits>

#include "deltalakedb/result.h"
#include "store/unique_handle.h"

namespace deltalakedb::store {

// What is called, without the prefix that all names of the library have.
// clang-format off
#define DELTALAKEDB_DUCKDB_FUNCTIONS(X)                                                            \
  X(create_config) X(set_config) X(destroy_config) X(open_ext) X(close) X(free) X(connect)         \
  X(disconnect) X(interrupt) X(query) X(prepare) X(prepare_extracted_statement)                    \
  X(destroy_prepare) X(nparams) X(param_type) X(bind_int64) X(bind_boolean)                        \
  X(bind_varchar_length) X(bind_blob) X(bind_null) X(bind_value) X(create_int64)                   \
  X(create_varchar_length) X(create_blob) X(create_uuid) X(create_null_value)                      \
  X(create_list_value) X(destroy_value) X(create_logical_type) X(destroy_logical_type)             \
  X(get_type_id) X(valid_utf8_check) X(execute_prepared) X(execute_prepared_streaming)             \
  X(destroy_result) X(result_error) X(result_error_type) X(rows_changed) X(column_count)           \
  X(column_name) X(column_type) X(fetch_chunk) X(create_data_chunk) X(destroy_data_chunk)          \
  X(data_chunk_reset) X(data_chunk_get_size) X(data_chunk_set_size) X(data_chunk_get_vector)       \
  X(vector_get_data) X(vector_get_validity) X(vector_ensure_validity_writable) X(vector_size)      \
  X(appender_create_ext) X(appender_add_column) X(appender_column_type) X(append_data_chunk)       \
  X(appender_flush) X(appender_clear) X(appender_destroy) X(appender_error_data)                   \
  X(error_data_error_type) X(error_data_message) X(error_data_has_error) X(destroy_error_data)     \
  X(extract_statements) X(extract_statements_error) X(destroy_extracted) X(prepare_error)          \
  X(prepared_statement_column_count) X(prepared_statement_column_type)                             \
  X(prepared_statement_column_name) X(prepared_statement_column_logical_type)                      \
  X(column_logical_type) X(get_varchar) X(result_get_arrow_options)                                \
  X(connection_get_arrow_options) X(destroy_arrow_options) X(to_arrow_schema)                      \
  X(data_chunk_to_arrow) X(schema_from_arrow) X(data_chunk_from_arrow)                             \
  X(destroy_arrow_converted_schema) X(arrow_scan) X(create_table_function)                         \
  X(destroy_table_function) X(table_function_set_name) X(table_function_add_parameter)             \
  X(table_function_set_extra_info) X(table_function_set_bind) X(table_function_set_init)           \
  X(table_function_set_function) X(table_function_supports_projection_pushdown)                    \
  X(register_table_function) X(bind_add_result_column) X(bind_get_extra_info)                      \
  X(bind_get_parameter) X(bind_set_bind_data) X(bind_set_cardinality) X(bind_set_error)            \
  X(init_set_max_threads) X(function_get_extra_info) X(function_get_bind_data)                     \
  X(function_set_error) X(get_uint64) X(data_chunk_get_column_count) X(vector_reference_vector)    \
  X(vector_get_column_type) X(decimal_scale) X(decimal_internal_type) X(create_scalar_function)    \
  X(destroy_scalar_function) X(scalar_function_set_name) X(scalar_function_add_parameter)          \
  X(scalar_function_set_return_type) X(scalar_function_set_volatile)                               \
  X(scalar_function_set_extra_info) X(scalar_function_set_function)                                \
  X(scalar_function_get_extra_info) X(register_scalar_function)
// clang-format on

struct DuckDbApi {
#define DELTALAKEDB_DECLARE(name) decltype(&duckdb_##name) name = nullptr;
  DELTALAKEDB_DUCKDB_FUNCTIONS(DELTALAKEDB_DECLARE)
#undef DELTALAKEDB_DECLARE
};

// Errors: Unsupported (the library is not there, or is none of the kind that this was built for).
Result<void> LoadDuckDb();
// Only once LoadDuckDb has succeeded, as it has wherever there is a handle.
const DuckDbApi& DuckDb();

// ---- owners of its handles ----------------------------------------------------------------------

template <auto kMember>
struct DuckDbCloser {
  template <typename T>
  void operator()(T* handle) const noexcept {
    (DuckDb().*kMember)(&handle);
  }
};
template <typename Handle, auto kMember>
using DuckDbHandle = std::unique_ptr<std::remove_pointer_t<Handle>, DuckDbCloser<kMember>>;

using DuckDbConfigHandle = DuckDbHandle<duckdb_config, &DuckDbApi::destroy_config>;
using DuckDbConnectionHandle = DuckDbHandle<duckdb_connection, &DuckDbApi::disconnect>;
using DuckDbPrepared = DuckDbHandle<duckdb_prepared_statement, &DuckDbApi::destroy_prepare>;
using DuckDbChunk = DuckDbHandle<duckdb_data_chunk, &DuckDbApi::destroy_data_chunk>;
using DuckDbValue = DuckDbHandle<duckdb_value, &DuckDbApi::destroy_value>;
using DuckDbType = DuckDbHandle<duckdb_logical_type, &DuckDbApi::destroy_logical_type>;
using DuckDbErrorData = DuckDbHandle<duckdb_error_data, &DuckDbApi::destroy_error_data>;
using DuckDbExtracted = DuckDbHandle<duckdb_extracted_statements, &DuckDbApi::destroy_extracted>;
using DuckDbArrowOptions = DuckDbHandle<duckdb_arrow_options, &DuckDbApi::destroy_arrow_options>;
using DuckDbConvertedSchema =
    DuckDbHandle<duckdb_arrow_converted_schema, &DuckDbApi::destroy_arrow_converted_schema>;
using DuckDbTableFunction = DuckDbHandle<duckdb_table_function, &DuckDbApi::destroy_table_function>;
using DuckDbScalarFunction =
    DuckDbHandle<duckdb_scalar_function, &DuckDbApi::destroy_scalar_function>;
using DuckDbAppender = DuckDbHandle<duckdb_appender, &DuckDbApi::appender_destroy>;

// A result, which the library hands out as a struct.
class DuckDbResult {
 public:
  DuckDbResult() = default;
  DuckDbResult(const DuckDbResult&) = delete;
  DuckDbResult& operator=(const DuckDbResult&) = delete;
  ~DuckDbResult() {
    if (result_.internal_data != nullptr) DuckDb().destroy_result(&result_);
  }
  duckdb_result* get() { return &result_; }

 private:
  duckdb_result result_ = {};
};

}  // namespace deltalakedb::store
