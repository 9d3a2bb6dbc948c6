// Arrow's clients of object stores, set up from the environment.
#include <arrow/filesystem/azurefs.h>
#include <arrow/filesystem/gcsfs.h>
#include <arrow/filesystem/s3fs.h>
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <exception>
#include <optional>
#include <string>
#include <utility>

#include "base/try.h"
#include "storage/object_store.h"
#include "storage/object_store_internal.h"
#include "storage/s3_put_internal.h"

namespace deltalakedb::storage {

namespace {

using ArrowFileSystem = std::shared_ptr<arrow::fs::FileSystem>;

// Unit: requests.
constexpr int kAttemptsVariableMax = 100;

// What the AWS tools take where nothing says otherwise.
constexpr std::string_view kS3RegionDefault = "us-east-1";

// The value of the first variable that is set and not empty, and its name.
struct Setting {
  std::string_view name;
  std::string value;
};

std::optional<Setting> FindSetting(const Environment& environment,
                                   std::initializer_list<std::string_view> names) {
  for (const std::string_view name : names) {
    auto value = environment(name);
    if (value && !value->empty()) return Setting{name, *std::move(value)};
  }
  return std::nullopt;
}

std::string ValueOf(const std::optional<Setting>& setting) {
  return setting ? setting->value : std::string();
}

std::unexpected<Error> WrongSetting(std::string_view name, std::string_view expected) {
  return Fail(Error(ErrorCode::kInvalidArgument,
                    fmt::format("the environment variable {} has to be {}", name, expected))
                  .With("variable", std::string(name)));
}

std::unexpected<Error> CannotMake(const Uri& uri) {
  // Arrow's text is left out: it may quote a key.
  return Fail(ErrorCode::kInvalidArgument,
              fmt::format("{}: no client can be made with the settings in the environment",
                          uri.ToString()));
}

struct Endpoint {
  std::string scheme = "https";
  std::string authority;  // empty: the store's usual one
};

// A port is none, or 1 to 65535: clients wrap around beyond that.
bool HasGoodPort(std::string_view authority) {
  const std::size_t colon = authority.rfind(':');
  const bool is_in_address =
      colon != std::string_view::npos && authority.find(']', colon) != std::string_view::npos;
  if (colon == std::string_view::npos || is_in_address) return true;
  const std::string_view digits = authority.substr(colon + 1);
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
  return error == std::errc() && end == digits.data() + digits.size() && port > 0;
}

// Of "http://host:port" or "https://host:port".
Result<Endpoint> ParseEndpoint(const std::optional<Setting>& setting) {
  Endpoint endpoint;
  if (!setting) return endpoint;
  std::string_view text = setting->value;
  while (text.ends_with('/')) text.remove_suffix(1);
  for (const std::string_view scheme : {"http", "https"}) {
    const std::string start = std::string(scheme) + "://";
    if (text.starts_with(start)) {
      endpoint = {std::string(scheme), std::string(text.substr(start.size()))};
    }
  }
  if (endpoint.authority.empty() || endpoint.authority.find_first_of("/?#@") != std::string::npos ||
      !HasGoodPort(endpoint.authority)) {
    return WrongSetting(setting->name, "as http://host:port or https://host:port");
  }
  return endpoint;
}

// ---- S3
// ------------------------------------------------------------------------------------------

std::optional<Setting> FindS3Endpoint(const Environment& environment) {
  if (ValueOf(FindSetting(environment, {"AWS_IGNORE_CONFIGURED_ENDPOINT_URLS"})) == "true") {
    return std::nullopt;
  }
  return FindSetting(environment, {"AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"});
}

std::optional<Setting> FindS3Region(const Environment& environment) {
  return FindSetting(environment, {"AWS_REGION", "AWS_DEFAULT_REGION"});
}

Result<int> FindS3Attempts(const Environment& environment) {
  const auto setting = FindSetting(environment, {"AWS_MAX_ATTEMPTS"});
  if (!setting) return kStoreAttemptsMax;
  const std::string& text = setting->value;
  int attempts = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), attempts);
  if (error != std::errc() || end != text.data() + text.size() || attempts < 1 ||
      attempts > kAttemptsVariableMax) {
    return WrongSetting(setting->name, fmt::format("a number from 1 to {}", kAttemptsVariableMax));
  }
  return attempts;
}

Result<ArrowFileSystem> MakeS3(const Uri& uri, const Environment& environment,
                               const arrow::io::IOContext& context) {
  DELTALAKEDB_ASSIGN(const Endpoint endpoint, ParseEndpoint(FindS3Endpoint(environment)));
  DELTALAKEDB_ASSIGN(const int attempts, FindS3Attempts(environment));
  auto options = arrow::fs::S3Options::Defaults();
  options.connect_timeout = kStoreConnectSecondsMax;
  options.request_timeout = kStoreSilenceSecondsMax;
  options.retry_strategy = arrow::fs::S3RetryStrategy::GetAwsStandardRetryStrategy(attempts);
  options.tls_ca_file_path = ValueOf(FindSetting(environment, {"AWS_CA_BUNDLE"}));
  options.scheme = endpoint.scheme;
  options.endpoint_override = endpoint.authority;
  // Without credentials, public buckets can be read; every request would look for some anew.
  if (!FindSetting(environment, {"AWS_ACCESS_KEY_ID"}) && options.GetAccessKey().empty()) {
    options.ConfigureAnonymousCredentials();
  }
  if (const auto region = FindS3Region(environment)) {
    options.region = region->value;
  } else if (endpoint.authority.empty()) {
    // A bucket has one region, whatever a configuration file says. If AWS does not tell it, the
    // first request to the bucket says why.
    options.region =
        arrow::fs::ResolveS3BucketRegion(uri.object_store()->bucket).ValueOr(std::string());
  }
  auto made = arrow::fs::S3FileSystem::Make(options, context);
  if (!made.ok()) return CannotMake(uri);
  return *std::move(made);
}

// ---- Google Cloud Storage
// ------------------------------------------------------------------------

std::optional<Setting> FindGcsEndpoint(const Environment& environment) {
  auto setting = FindSetting(environment, {"STORAGE_EMULATOR_HOST"});
  if (setting && setting->value.find("://") == std::string::npos) {
    setting->value = "http://" + setting->value;
  }
  return setting;
}

Result<ArrowFileSystem> MakeGcs(const Uri& uri, const Environment& environment,
                                const arrow::io::IOContext& context) {
  DELTALAKEDB_ASSIGN(const Endpoint endpoint, ParseEndpoint(FindGcsEndpoint(environment)));
  // An emulator knows no credentials.
  auto options = endpoint.authority.empty() ? arrow::fs::GcsOptions::Defaults()
                                            : arrow::fs::GcsOptions::Anonymous();
  options.retry_limit_seconds = kStoreAttemptsMax * kStoreSilenceSecondsMax;
  options.scheme = endpoint.scheme;
  options.endpoint_override = endpoint.authority;
  auto made = arrow::fs::GcsFileSystem::Make(options, context);
  if (!made.ok()) return CannotMake(uri);
  return *std::move(made);
}

// ---- Azure
// ---------------------------------------------------------------------------------------

arrow::Status ConfigureAzureCredential(const Environment& environment,
                                       arrow::fs::AzureOptions& options) {
  if (const auto key =
          FindSetting(environment, {"AZURE_STORAGE_ACCOUNT_KEY", "AZURE_STORAGE_KEY"})) {
    return options.ConfigureAccountKeyCredential(key->value);
  }
  if (const auto token = FindSetting(environment, {"AZURE_STORAGE_SAS_TOKEN"})) {
    return options.ConfigureSASCredential(token->value.starts_with('?') ? token->value
                                                                        : "?" + token->value);
  }
  return options.ConfigureDefaultCredential();
}

Result<ArrowFileSystem> MakeAzure(const Uri& uri, const Environment& environment,
                                  const arrow::io::IOContext& context) {
  const std::string& host = uri.object_store()->account_host;
  const std::size_t account_size = std::min(host.find('.'), host.size());
  arrow::fs::AzureOptions options;
  options.account_name = host.substr(0, account_size);
  DELTALAKEDB_ASSIGN(const Endpoint emulator,
                     ParseEndpoint(FindSetting(environment, {"AZURITE_BLOB_STORAGE_URL"})));
  if (!emulator.authority.empty()) {
    options.blob_storage_scheme = options.dfs_storage_scheme = emulator.scheme;
    options.blob_storage_authority = options.dfs_storage_authority = emulator.authority;
  } else if (account_size < host.size()) {
    constexpr std::string_view kDfs = ".dfs.";
    std::string authority = host.substr(account_size);
    options.dfs_storage_authority = authority;
    if (authority.starts_with(kDfs)) authority.replace(0, kDfs.size(), ".blob.");
    options.blob_storage_authority = authority;
  }
  try {
    if (!ConfigureAzureCredential(environment, options).ok()) return CannotMake(uri);
    auto made = arrow::fs::AzureFileSystem::Make(options, context);
    if (!made.ok()) return CannotMake(uri);
    return *std::move(made);
  } catch (const std::exception&) {  // of a key that is no Base64, for instance
    return CannotMake(uri);
  }
}

}  // namespace

Result<std::string> StoreIdentity(const Uri& uri, const Environment& environment) {
  const ObjectStoreParts& parts = *uri.object_store();
  std::string identity =
      fmt::format("{} {} {}", static_cast<int>(uri.kind()), parts.bucket, parts.account_host);
  // Keys themselves stay out of it: the clients look for the one of an id again.
  for (const auto& setting :
       {FindS3Endpoint(environment), FindS3Region(environment), FindGcsEndpoint(environment),
        FindSetting(environment, {"AWS_ACCESS_KEY_ID"}), FindSetting(environment, {"AWS_PROFILE"}),
        FindSetting(environment, {"AWS_MAX_ATTEMPTS"}), FindSetting(environment, {"AWS_CA_BUNDLE"}),
        FindSetting(environment, {"GOOGLE_APPLICATION_CREDENTIALS"}),
        FindSetting(environment, {"AZURITE_BLOB_STORAGE_URL"})}) {
    identity += '\n' + ValueOf(setting);
  }
  return identity;
}

Result<std::optional<S3Target>> FindS3Target(const Uri& uri, const Environment& environment,
                                             const arrow::fs::FileSystem& client) {
  const auto* const s3 = dynamic_cast<const arrow::fs::S3FileSystem*>(&client);
  if (s3 == nullptr) return std::optional<S3Target>();
  const arrow::fs::S3Options options = s3->options();
  S3Target target;
  DELTALAKEDB_ASSIGN(target.attempts, FindS3Attempts(environment));
  target.region = s3->region().empty() ? kS3RegionDefault : s3->region();
  target.ca_file = options.tls_ca_file_path.empty() ? FindCertificates() : options.tls_ca_file_path;
  const std::string& bucket = uri.object_store()->bucket;
  if (!options.endpoint_override.empty()) {
    target.bucket_url =
        fmt::format("{}://{}/{}", options.scheme, options.endpoint_override, bucket);
  } else {
    // A name with dots is no label of a host that certificates cover (Amazon S3 User Guide, Virtual
    // hosting of buckets).
    const std::string host = fmt::format("s3.{}.amazonaws.com{}", target.region,
                                         target.region.starts_with("cn-") ? ".cn" : "");
    target.bucket_url = bucket.contains('.') ? fmt::format("https://{}/{}", host, bucket)
                                             : fmt::format("https://{}.{}", bucket, host);
  }
  target.credentials = [options] {
    // The three are read one by one; they may be replaced meanwhile.
    S3Credentials credentials;
    do {
      credentials = {options.GetAccessKey(), options.GetSecretKey(), options.GetSessionToken()};
    } while (credentials.key_id != options.GetAccessKey());
    return credentials;
  };
  return std::optional(std::move(target));
}

Result<ArrowFileSystem> MakeStoreClient(const Uri& uri, const Environment& environment,
                                        const arrow::io::IOContext& context) {
  switch (uri.kind()) {
    case UriKind::kS3:
      return MakeS3(uri, environment, context);
    case UriKind::kGcs:
      return MakeGcs(uri, environment, context);
    default:
      return MakeAzure(uri, environment, context);
  }
}

}  // namespace deltalakedb::storage
