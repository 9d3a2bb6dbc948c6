#include "storage/object_store.h"

#include <arrow/status.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <string>
#include <tuple>

#include "storage/object_store_internal.h"
#include "storage/table_folder.h"

namespace deltalakedb::storage {
namespace {

using testing::HasSubstr;
using testing::Not;

Environment Variables(std::map<std::string, std::string> variables) {
  return [variables = std::move(variables)](std::string_view name) -> std::optional<std::string> {
    const auto found = variables.find(std::string(name));
    if (found == variables.end()) return std::nullopt;
    return found->second;
  };
}

Error ErrorFor(const std::string& arrow_text, const Environment& environment = Variables({})) {
  return StoreError(arrow::Status::IOError(arrow_text), {"read", "s3://bucket/t/a.json"},
                    {"s3://bucket", "bucket"}, environment);
}

TEST(ObjectStoreTest, FailuresOfStores_HaveTheirKind) {
  for (const auto& [text, code] : std::initializer_list<std::pair<const char*, ErrorCode>>{
           {"When x: AWS Error NO_SUCH_BUCKET during ListObjectsV2 operation: no",
            ErrorCode::kNotFound},
           {"AWS Error NO_SUCH_KEY during GetObject operation: no", ErrorCode::kNotFound},
           {"AWS Error ACCESS_DENIED during GetObject operation: no", ErrorCode::kPermission},
           {"AWS Error UNKNOWN (HTTP status 403) during GetObject operation: no",
            ErrorCode::kPermission},
           {"AWS Error UNKNOWN (HTTP status 400) during GetObject operation: Unable to parse "
            "ExceptionName: ExpiredToken Message: no",
            ErrorCode::kPermission},
           {"AWS Error UNKNOWN (HTTP status 503) during GetObject operation: Unable to parse "
            "ExceptionName: Odd Message: no",
            ErrorCode::kUnavailable},
           {"AWS Error UNKNOWN (HTTP status 301) during GetObject operation: no",
            ErrorCode::kInvalidArgument},
           {"AWS Error SLOW_DOWN during GetObject operation: no", ErrorCode::kUnavailable},
           {"google::cloud::Status(PERMISSION_DENIED: no)", ErrorCode::kPermission},
           {"google::cloud::Status(NOT_FOUND: no)", ErrorCode::kNotFound},
           {"google::cloud::Status(UNAVAILABLE: no)", ErrorCode::kUnavailable},
           {"List failed. Azure Error: [ContainerNotFound] 404 no", ErrorCode::kNotFound},
           {"Azure Error: [AuthenticationFailed] 403 no", ErrorCode::kPermission},
           {"Azure Error: [ServerBusy] 503 no", ErrorCode::kUnavailable},
           {"x Azure Error: [] Fail to get a new connection", ErrorCode::kUnavailable},
           {"something else", ErrorCode::kIo}}) {
    const Error error = ErrorFor(text);
    EXPECT_EQ(error.code(), code) << text;
    EXPECT_THAT(error.message(), HasSubstr("cannot read s3://bucket/t/a.json: "));
    // What did not answer is no file that changed.
    EXPECT_EQ(error.FindFact("file") == nullptr, code == ErrorCode::kUnavailable) << text;
    EXPECT_EQ(error.FindFact("store") != nullptr, code == ErrorCode::kUnavailable) << text;
  }
  EXPECT_NE(ErrorFor("AWS Error NO_SUCH_BUCKET during x").FindFact("bucket"), nullptr);
}

TEST(ObjectStoreTest, SecretsInAStoresText_AreNotTold) {
  const Environment environment =
      Variables({{"AWS_SECRET_ACCESS_KEY", "open+sesame"}, {"AWS_SESSION_TOKEN", ""}});
  const Error error = ErrorFor(
      "AWS Error UNKNOWN (HTTP status 400) during GetObject operation: 'open+sesame' is odd, see "
      "https://h/b?X-Amz-Signature=abcdef and (http://i/?sig=ghi) end\nsecond line",
      environment);
  EXPECT_THAT(error.message(), HasSubstr("'***' is odd, see https://h/b?*** and (http://i/?***) "));
  for (const char* const hidden : {"sesame", "abcdef", "ghi", "second"}) {
    EXPECT_THAT(error.message(), Not(HasSubstr(hidden)));
  }
}

TEST(ObjectStoreTest, LongTexts_AreCut) {
  EXPECT_LT(ErrorFor("AWS Error X during " + std::string(5000, 'x')).message().size(), 400U);
}

TEST(ObjectStoreTest, WrongSettings_NameTheirVariable) {
  for (const auto& [uri, name, value] :
       std::initializer_list<std::tuple<const char*, const char*, const char*>>{
           {"s3://bucket/t", "AWS_ENDPOINT_URL", "localhost:9000"},
           {"s3://bucket/t", "AWS_ENDPOINT_URL_S3", "http://"},
           {"s3://bucket/t", "AWS_ENDPOINT_URL", "http://h:65536"},
           {"s3://bucket/t", "AWS_ENDPOINT_URL", "http://h:0"},
           {"s3://bucket/t", "AWS_ENDPOINT_URL", "http://[::1]:"},
           {"s3://bucket/t", "AWS_ENDPOINT_URL", "http://user:secret@h"},
           {"s3://bucket/t", "AWS_MAX_ATTEMPTS", "0"},
           {"s3://bucket/t", "AWS_MAX_ATTEMPTS", "many"},
           {"gs://bucket/t", "STORAGE_EMULATOR_HOST", "http://h/path"},
           {"abfss://c@a.dfs.core.windows.net/t", "AZURITE_BLOB_STORAGE_URL", "ftp://h"}}) {
    const auto store = OpenObjectStore(*Uri::Parse(uri), Variables({{name, value}}));
    ASSERT_FALSE(store) << name;
    EXPECT_EQ(store.error().code(), ErrorCode::kInvalidArgument);
    EXPECT_EQ(*store.error().FindFact("variable"), Error::FactValue(name));
    EXPECT_THAT(store.error().message(), Not(HasSubstr("secret")));
  }
}

TEST(ObjectStoreTest, SamePlaceAndSettings_AreOneFileSystem) {
  const auto open = [](const char* uri, const char* endpoint) {
    return *OpenObjectStore(*Uri::Parse(uri), Variables({{"AWS_ENDPOINT_URL", endpoint},
                                                         {"AWS_ACCESS_KEY_ID", "id"},
                                                         {"AWS_SECRET_ACCESS_KEY", "key"}}));
  };
  const FileSystem* const store = open("s3://bucket/a", "http://127.0.0.1:1");
  EXPECT_EQ(open("s3://bucket/b", "http://127.0.0.1:1"), store);
  EXPECT_NE(open("s3://other/a", "http://127.0.0.1:1"), store);
  EXPECT_NE(open("s3://bucket/a", "http://127.0.0.1:2"), store);
}

TEST(ObjectStoreTest, AzureKeyThatIsNone_IsRefusedWithoutQuotingIt) {
  const auto store = OpenObjectStore(*Uri::Parse("abfss://c@a.dfs.core.windows.net/t"),
                                     Variables({{"AZURE_STORAGE_ACCOUNT_KEY", "open*sesame"}}));
  if (store) return;  // the SDK may wait for the first request before it looks at the key
  EXPECT_EQ(store.error().code(), ErrorCode::kInvalidArgument);
  EXPECT_THAT(store.error().message(), Not(HasSubstr("sesame")));
}

TEST(ObjectStoreTest, Roots_BeginTheUri) {
  for (const auto& [uri, root] : std::initializer_list<std::pair<const char*, const char*>>{
           {"s3://bucket/a%20b", "s3://bucket"},
           {"gs://bucket", "gs://bucket"},
           {"abfss://c@a.example/t", "abfss://c@a.example"}}) {
    EXPECT_EQ(ObjectStoreRoot(*Uri::Parse(uri)), root);
  }
}

TEST(TableFolderTest, LocalPaths_AreMadeAbsolute) {
  const auto folder = FindTableFolder(*Uri::Parse("/data/./a b/"));
  ASSERT_TRUE(folder);
  EXPECT_EQ(folder->path, "/data/a b");
  EXPECT_EQ(folder->location, "/data/a b");
  EXPECT_EQ(folder->file_system, &LocalFileSystem());
}

}  // namespace
}  // namespace deltalakedb::storage
