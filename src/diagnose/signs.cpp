#include "diagnose/signs.h"

#include <algorithm>

#include "base/text.h"

namespace tfdoctor {

namespace {

constexpr size_t kLongestQuote = 220;

std::string Quote(const std::string& line) {
  if (line.size() <= kLongestQuote) return line;
  size_t end = kLongestQuote;
  while (end > 0 && (static_cast<unsigned char>(line[end]) & 0xC0) == 0x80) end--;
  return line.substr(0, end) + "…";
}

std::string OnlyVersion(std::string_view text) {
  const std::string first = FindVersion(text);
  if (first.empty()) return {};
  // Several versions: none is the one. "2.11-2.17", "2.15.0/2.15.1".
  const size_t at = text.find(first);
  return FindVersion(text.substr(at + first.size())).find('.') == std::string::npos ? first : std::string();
}

// How many GPUs "2", "4x A100", "one GPU", "two RTX 3090" are; -1: it is not said.
int CountOf(std::string_view number, std::string_view gpu) {
  static constexpr std::string_view kNumbers[] = {"zero", "one", "two",   "three", "four",
                                                  "five", "six", "seven", "eight"};
  const auto count = [](std::string_view word) {
    const auto named = std::find(std::begin(kNumbers), std::end(kNumbers), word);
    if (named != std::end(kNumbers)) return static_cast<int>(named - std::begin(kNumbers));
    if (word.ends_with('x')) word.remove_suffix(1);
    return word.size() == 1 && word[0] >= '0' && word[0] <= '9' ? word[0] - '0' : -1;
  };
  for (const std::string_view text : {number, gpu}) {
    const std::vector<std::string_view> words = SplitWords(text);
    if (!words.empty() && count(words[0]) >= 0) return count(words[0]);
  }
  return -1;
}

// "AMD Radeon RX 6700 XT", "Intel UHD 620": a maker is named, and it is not NVIDIA. In lower case.
bool NamesOtherMaker(std::string_view gpu) {
  bool other = false;
  std::string word;
  for (const char c : std::string(gpu) + " ") {
    if (c >= 'a' && c <= 'z') {
      word += c;
      continue;
    }
    for (const char* ours : {"nvidia", "geforce", "rtx", "gtx", "gt", "tesla", "quadro", "titan", "jetson"}) {
      if (word == ours) return false;
    }
    for (const char* theirs : {"amd", "radeon", "vega", "instinct", "intel", "uhd", "iris", "arc", "apple"})
      other = other || word == theirs;
    word.clear();
  }
  return other;
}

// "Windows 10", "win10", "Win 11 64-bit", "WIN64". In lower case.
bool NamesWindows(std::string_view os) {
  if (os.find("windows") != os.npos) return true;
  const std::vector<std::string_view> words = SplitWords(os);
  return std::any_of(words.begin(), words.end(), [](std::string_view word) {
    return word.starts_with("win") && word.find_first_not_of("0123456789", 3) == word.npos;
  });
}

const std::map<std::string, std::string>* Statements(const Facts& facts) {
  static const std::map<std::string, std::string> none;
  const auto* stated = facts.log.stated.Peek();
  return stated == nullptr ? &none : stated;
}

// "D:\proj\.venv\Scripts\python.exe": a path as Windows has them begins a statement or a word of it.
bool NamesDrive(const std::map<std::string, std::string>& statements) {
  return std::any_of(statements.begin(), statements.end(), [](const auto& one) {
    const std::string& value = one.second;
    const size_t at = value.find(":\\");
    const auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); };
    return at != value.npos && at > 0 && letter(value[at - 1]) && (at == 1 || !letter(value[at - 2]));
  });
}

}  // namespace

LogStory::LogStory(const Facts& f, const Knowledge& k) : facts(f), knowledge(k), statements_(Statements(f)) {
  for (const MessageRow& row : *knowledge.Messages()) {
    if (!Saw(row.id)) continue;
    shown_ |= row.shows;
    trouble = trouble || row.kind == "trouble";
    harmless = harmless || row.kind == "harmless";
  }
  const std::string os = Stated("os"), method = Stated("install_method"), gpu = Stated("gpu");
  auto has = [](const std::string& text, std::string_view part) { return text.find(part) != text.npos; };
  wsl = SawAny({"says-wsl", "says-wsl1", "says-linux-on-windows", "wsl-folder"}) ||
        facts.host.wsl.Peek() != nullptr;
  // A hosted notebook is used in a browser, on whatever system.
  windows = !wsl && !Saw("says-hosted-notebook") &&
            (NamesWindows(os) || Saw("says-windows") || (os.empty() && NamesDrive(*statements_))) &&
            !has(os, "linux");
  mac = has(os, "macos") || has(os, "mac os") || has(os, "os x") || SawAny({"says-mac", "of-macos"});
  if (Saw("says-hosted-notebook")) mac = false;
  linux_known = !os.empty() && !windows && !mac;
  const std::string* machine = facts.host.machine.Peek();
  aarch64 =
      !mac && ((machine != nullptr && *machine == "aarch64") || SawAny({"says-aarch64", "says-jetson"}));
  container = facts.host.container.Peek() != nullptr || Saw("says-container") || Saw(Shows::kContainer);
  conda = has(method, "conda") && !has(method, "pip");
  and_cuda = Saw("says-and-cuda");
  pip = has(method, "pip") || has(method, "uv") || has(method, "poetry") || has(method, "wheel");
  tensorflow = OnlyVersion(Stated("tf_version"));
  if (IsDate(tensorflow)) tensorflow.clear();
  if (const std::string* version = facts.tensorflow.version.Peek(); tensorflow.empty() && version != nullptr)
    tensorflow = *version;
  // "requirements": "tensorflow==1.12"
  if (const SeenMessage* wanted = Message("says-requires-tensorflow");
      tensorflow.empty() && wanted != nullptr)
    tensorflow = OnlyVersion(*wanted->text.Peek());
  python = OnlyVersion(Stated("python"));
  driver = OnlyVersion(Stated("driver"));
  // "535 (12.2)": no driver has such a number, its CUDA has.
  if (!windows && !driver.empty() && MajorVersion(driver) < 100) driver.clear();
  // "410.48 from apt"; Debian's and Ubuntu's packages have the branch in the name: "nvidia-driver-535".
  for (const std::string_view before : {"", "nvidia-driver-", "nvidia-"}) {
    const std::string words = Stated("driver");
    const size_t at = before.empty() ? 0 : words.rfind(before);
    if (!driver.empty() || at == std::string::npos) continue;
    const std::string rest = words.substr(at + before.size());
    const std::string number = rest.substr(0, rest.find_first_not_of("0123456789."));
    if (MajorVersion(number) >= 100) driver = number;
  }
  if (const std::string* version = facts.kernel_driver.version.Peek(); driver.empty() && version != nullptr)
    driver = *version;
  const std::string cuda_words = Stated("cuda");
  if (!has(cuda_words, "driver")) cuda = OnlyVersion(cuda_words);
  if (cuda_words.size() <= 2 && cuda_words.find_first_not_of("0123456789") == std::string::npos)
    cuda = cuda_words;
  cudnn = OnlyVersion(Stated("cudnn"));
  if (const auto* gpus = facts.gpus.Peek()) {
    for (const auto& [address, one] : *gpus) {
      if (const std::string* cc = one.compute_capability.Peek(); cc != nullptr && capability.empty())
        capability = *cc;
      if (const std::string* vendor = one.vendor.Peek(); vendor != nullptr && *vendor == "NVIDIA")
        gpu_seen = true;
      if (const std::string* name = one.name.Peek(); name != nullptr && gpu_name.empty()) gpu_name = *name;
    }
  }
  // AMD's own builds of TensorFlow and the plugin for macOS use other GPUs.
  const bool for_others = mac || has(method, "rocm") || has(Stated("tf_version"), "rocm") ||
                          MaySee("says-rocm") || MaySee("hipinit-failed");
  if (capability.empty() && !for_others && (NamesOtherMaker(gpu) || NamesOtherMaker(Lower(gpu_name))))
    no_gpu_stated = true;
  const std::string adapters = StatedLike("display_adapter") + StatedLike("display adapter");
  if (gpu.empty() && NamesOtherMaker(adapters) && !has(adapters, "nvidia")) no_gpu_stated = true;
  no_gpu_stated =
      no_gpu_stated || gpu == "none" || gpu == "no" || SawAny({"says-no-gpu", "says-machine-without-gpu"});
  if (const bool* registered = facts.log.gpu_registered.Peek()) gpu_registered = *registered;
  // Detected in one place, and not in the one that is asked about.
  const bool elsewhere = Saw("says-gpu-not-used") && Saw("says-works-elsewhere") && Saw("says-launcher");
  if (!elsewhere)
    gpu_registered = gpu_registered || SawAny({"says-gpu-listed", "says-gpu-detected", "says-gpu-used"});
  smi_works = SawAny({"smi-table", "smi-gpu-line", "says-smi-works", "says-smi-is-fine"});
  gpu_seen = gpu_seen || (!gpu.empty() && !no_gpu_stated) || smi_works || gpu_registered ||
             Saw("found-device") || !capability.empty();
  other_framework = !Stated("framework").empty() && !Mentions("framework", "tensorflow");
  cuinit_failed = Saw("cuinit-failed");
  only_stated = !trouble && !harmless && !gpu_registered;
  gpu_count = CountOf(StatedLike("gpus") + " " + StatedLike("gpu_count"), gpu);
}

const SeenMessage* LogStory::Message(std::string_view id) const {
  const auto* seen = facts.log.seen.Peek();
  if (seen == nullptr) return nullptr;
  auto found = seen->find(std::string(id));
  if (found == seen->end()) return nullptr;
  return found->second.text.Peek() == nullptr ? nullptr : &found->second;
}

bool LogStory::MaySee(std::string_view id) const {
  const auto* seen = facts.log.seen.Peek();
  return seen == nullptr || seen->contains(std::string(id));
}

bool LogStory::SawAny(std::initializer_list<std::string_view> ids) const {
  return std::any_of(ids.begin(), ids.end(), [&](std::string_view id) { return Saw(id); });
}

std::vector<std::string> LogStory::Fields(std::string_view id, const std::string& name) const {
  const SeenMessage* message = Message(id);
  const auto* fields = message == nullptr ? nullptr : message->fields.Peek();
  if (fields == nullptr) return {};
  auto found = fields->find(name);
  return found == fields->end() ? std::vector<std::string>() : found->second;
}

std::string LogStory::Field(std::string_view id, const std::string& name) const {
  const std::vector<std::string> values = Fields(id, name);
  return values.empty() ? std::string() : values.back();
}

bool LogStory::FieldHas(std::string_view id, const std::string& name, std::string_view part) const {
  const std::vector<std::string> values = Fields(id, name);
  return std::any_of(values.begin(), values.end(),
                     [&](const std::string& value) { return value.find(part) != value.npos; });
}

std::string LogStory::Stated(const std::string& key) const {
  auto found = statements_->find(key);
  if (found == statements_->end()) return {};
  asked_.insert(key);
  return Lower(Trim(found->second));
}

std::string LogStory::StatedLike(std::string_view key_part) const {
  std::string values;
  for (const auto& [key, value] : *statements_) {
    if (key.find(key_part) == key.npos) continue;
    asked_.insert(key);
    values += (values.empty() ? "" : "; ") + Lower(value);
  }
  return values;
}

bool LogStory::From(std::string_view version) const {
  return !tensorflow.empty() && CompareVersions(tensorflow, version) >= 0;
}
bool LogStory::Before(std::string_view version) const {
  return !tensorflow.empty() && CompareVersions(tensorflow, version) < 0;
}

Signs& Signs::Proves(std::string_view id) {
  if (const SeenMessage* message = story.Message(id)) {
    proven_ = true;
    const Origin& origin = message->text.origin();
    evidence_.push_back({origin.from, origin.witness, Quote(*message->text.Peek()), Strength::kDecisive});
  }
  return *this;
}

Signs& Signs::Speaks(std::string_view id, Strength strength) {
  if (const SeenMessage* message = story.Message(id)) {
    const Origin& origin = message->text.origin();
    evidence_.push_back({origin.from, origin.witness, Quote(*message->text.Peek()), strength});
  }
  return *this;
}

Signs& Signs::States(bool condition, const std::string& key, std::string text, Strength strength) {
  if (!condition) return *this;
  const SeenMessage* saying = story.Message(key);
  const std::string from = saying != nullptr          ? saying->text.origin().from
                           : key.starts_with("says-") ? "what is stated"
                                                      : "stated: " + key;
  evidence_.push_back({from, Witness::kStated, std::move(text), strength});
  return *this;
}

Signs& Signs::StatesProof(bool condition, const std::string& key, std::string text) {
  proven_ = proven_ || condition;
  return States(condition, key, std::move(text), Strength::kDecisive);
}

Signs& Signs::That(bool condition, std::string text, Strength strength) {
  if (condition) evidence_.push_back({"the log", Witness::kLog, std::move(text), strength});
  return *this;
}

Signs& Signs::ThatProves(bool condition, std::string text) {
  proven_ = proven_ || condition;
  return That(condition, std::move(text), Strength::kDecisive);
}

Signs& Signs::Wants(const FactBase& fact) {
  [[maybe_unused]] const bool noted = fact.Unknown();
  return *this;
}

Verdict Signs::Take() && {
  if (dropped_ || evidence_.empty()) return Verdict::Silent();
  Verdict verdict = proven_ ? Verdict::Holds() : Verdict::Open();
  verdict.evidence = std::move(evidence_);
  verdict.title = std::move(title_);
  verdict.reason = std::move(reason_);
  verdict.effect = effect_;
  verdict.fixes = std::move(fixes_);
  return verdict;
}

}  // namespace tfdoctor
