// What people and programs read: goldens with made-up diagnoses, hostile text, the schema.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <nlohmann/json.hpp>
#include <random>
#include <sstream>

#include "base/text.h"
#include "diagnose/diagnosis.h"
#include "json_schema.h"
#include "render/json.h"
#include "render/pages.h"
#include "render/text.h"

namespace tfdoctor {
namespace {

Verdict Nothing(const Facts&, const Knowledge&) { return Verdict::Silent(); }

Rule MakeRule(std::string_view id, Link link, Effect effect, std::string_view title) {
  return {
      .id = id, .link = link, .effect = effect, .title = title, .prior = 0.5, .check = Nothing, .page = ""};
}

const Rule kPath = MakeRule("cuda-libraries-not-on-search-path", Link::kCudaLibraries, Effect::kBlocks,
                            "TensorFlow does not find a CUDA library that is installed");
const Rule kJit = MakeRule("ptx-compiled-at-start", Link::kGpuArchitecture, Effect::kDegrades,
                           "The first start takes minutes");
const Rule kHidden = MakeRule("messages-hidden", Link::kVisibility, Effect::kHarmless,
                              "TF_CPP_MIN_LOG_LEVEL hides the messages");
const Rule kRegister =
    MakeRule("no-gpu-registered", Link::kExecution, Effect::kBlocks, "No GPU is registered");
const Rule kNouveau = MakeRule("nouveau-holds-the-gpu", Link::kKernelDriver, Effect::kBlocks,
                               "The nouveau driver holds the GPU");
const Rule kProgram =
    MakeRule("program-hides-the-gpu", Link::kVisibility, Effect::kProgram, "The program hides the GPU");

Finding Holds(const Rule& rule) {
  Finding finding;
  finding.rule = &rule;
  finding.holds = true;
  finding.likelihood = 1;
  finding.title = rule.title;
  return finding;
}

Finding Open(const Rule& rule, double likelihood) {
  Finding finding = Holds(rule);
  finding.holds = false;
  finding.likelihood = likelihood;
  return finding;
}

void SetLink(Diagnosis& diagnosis, Link link, LinkState state, std::string summary) {
  diagnosis.chain[static_cast<size_t>(link)] = {link, state, std::move(summary)};
}

Diagnosis Usable() {
  Diagnosis diagnosis;
  diagnosis.verdict = VerdictKind::kGpuUsable;
  diagnosis.confident = true;
  SetLink(diagnosis, Link::kHardware, LinkState::kOk, "NVIDIA GeForce RTX 4090, compute capability 8.9");
  SetLink(diagnosis, Link::kKernelDriver, LinkState::kOk, "NVIDIA kernel module 570.124.06 is loaded");
  SetLink(diagnosis, Link::kDeviceAccess, LinkState::kOk, "this user may open the device nodes");
  SetLink(diagnosis, Link::kDriverLibrary, LinkState::kOk, "libcuda.so.1 570.124.06");
  SetLink(diagnosis, Link::kPython, LinkState::kOk, "Python 3.11.2 at /home/a/venv/bin/python");
  SetLink(diagnosis, Link::kTensorFlow, LinkState::kOk, "tensorflow 2.21.0, built for CUDA 12.5.1");
  SetLink(diagnosis, Link::kCudaLibraries, LinkState::kOk,
          "10 of the 10 libraries that this build opens are found");
  SetLink(diagnosis, Link::kGpuArchitecture, LinkState::kOk,
          "this build and its libraries carry code for this GPU");
  SetLink(diagnosis, Link::kVisibility, LinkState::kOk, "no environment variable hides the GPU");
  for (Link link : {Link::kMemory, Link::kExecution, Link::kUtilisation}) {
    SetLink(diagnosis, link, LinkState::kUnknown, "");
  }
  return diagnosis;
}

// Everything that an answer can hold.
Diagnosis Blocked() {
  Diagnosis diagnosis = Usable();
  diagnosis.verdict = VerdictKind::kGpuBlocked;
  SetLink(diagnosis, Link::kCudaLibraries, LinkState::kBroken,
          "libcusolver.so.11 is installed, but not where this TensorFlow looks for it, so that it gives up "
          "the GPU");
  SetLink(diagnosis, Link::kGpuArchitecture, LinkState::kDegraded, "PTX only");
  Finding cause = Holds(kPath);
  cause.title = "TensorFlow does not find libcusolver.so.11.";
  cause.explanation =
      "TensorFlow opens `libcusolver.so.11` when it starts. The file is installed,\nbut the object that "
      "opens it "
      "has **no** search path entry for its folder.";
  cause.evidence = {
      {"/home/a/venv/lib/python3.11/site-packages/tensorflow/libtensorflow_framework.so.2", Witness::kMachine,
       "RUNPATH has no entry nvidia/cusolver/lib", Strength::kDecisive},
      {"environment variable LD_LIBRARY_PATH", Witness::kStated, "not set", Strength::kAgainst}};
  cause.fixes = {
      {"Tell the loader where the libraries are",
       {"export "
        "LD_LIBRARY_PATH=/home/a/venv/lib/python3.11/site-packages/nvidia/cusolver/lib:/home/a/venv/lib/"
        "python3.11/site-packages/nvidia/cublas/lib",
        "python train.py"},
       false,
       false,
       Safety::kSafe,
       {}},
      {"Update the driver", {"sudo apt install nvidia-driver"}, true, true, Safety::kConsent, {}},
      {"Ask your administrator", {}, false, false, Safety::kAdvice, {}}};
  Finding jit = Holds(kJit);
  jit.fixes = {{"Install a newer build", {"pip install -U tensorflow"}, false, false, Safety::kSafe, {}}};
  diagnosis.causes = {cause, jit, Holds(kHidden), Open(kNouveau, 0.3)};
  diagnosis.causes[0].reason = "search-path";
  diagnosis.other_likelihood = 0.7;
  diagnosis.explained = {Holds(kRegister)};
  diagnosis.explained[0].explained_by = &kPath;
  const std::string denied = "cannot read /proc/driver/nvidia/version: Permission denied";
  for (const char* what :
       {"version of the module", "flavour of the module", "third", "fourth", "fifth", "sixth"}) {
    diagnosis.unchecked.push_back({"kernel_driver.version", what, denied, Link::kKernelDriver, true});
  }
  diagnosis.unchecked.push_back({"host.wsl", "WSL", "nobody looked", Link::kHardware, false});
  diagnosis.ask = {{"kernel_driver.version",
                    "Which driver is loaded?",
                    "cat /proc/driver/nvidia/version",
                    {"nouveau-holds-the-gpu", "no-nvidia-gpu"}}};
  return diagnosis;
}

TextOptions Plain(size_t width, bool unicode = true) { return {width, false, unicode, false}; }

std::string Golden(const std::string& name) {
  std::ifstream file(TFDOCTOR_SOURCE_DIR "/tests/unit/render/" + name);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

// TFDOCTOR_UPDATE_GOLDENS=1 writes them anew; look at the difference before committing it.
void ExpectGolden(const std::string& name, const std::string& actual) {
  if (std::getenv("TFDOCTOR_UPDATE_GOLDENS") != nullptr) {
    std::ofstream(TFDOCTOR_SOURCE_DIR "/tests/unit/render/" + name) << actual;
  }
  EXPECT_EQ(Golden(name), actual);
}

bool HasControl(std::string_view text) {
  for (char c : text) {
    if ((c >= 0 && c < 0x20 && c != '\n') || c == 0x7F) return true;
  }
  return false;
}

void ExpectFits(const std::string& text, size_t width) {
  for (std::string_view line : SplitLines(text)) {
    if (DisplayWidth(line) <= width) continue;
    const std::string_view body = Trim(line);
    const bool command = line.starts_with("    ") && body.find(' ') != std::string_view::npos;
    EXPECT_TRUE(command || SplitWords(body).size() <= 3) << width << ": " << line;
  }
}

nlohmann::json Schema() {
  std::ifstream file(TFDOCTOR_SOURCE_DIR "/docs/schema/answer-1.schema.json");
  return nlohmann::json::parse(file);
}

RunInfo ARun() { return {"0.1.0", "2026-11-23T11:20:00Z", 3.5, 42}; }

nlohmann::json Valid(const std::string& text) {
  const nlohmann::json json = nlohmann::json::parse(text);
  const std::vector<std::string> faults = JsonSchema(Schema()).Faults(json);
  EXPECT_EQ(Join(faults, "\n"), "");
  return json;
}

TEST(RenderText, GoldenAt80And200ColumnsAndInAscii) {
  ExpectGolden("blocked_80.txt", RenderText(Blocked(), Facts(), Plain(80)));
  ExpectGolden("blocked_200.txt", RenderText(Blocked(), Facts(), Plain(200)));
  ExpectGolden("blocked_ascii_80.txt", RenderText(Blocked(), Facts(), Plain(80, false)));
  ExpectGolden("usable_80.txt", RenderText(Usable(), Facts(), Plain(80)));
}

TEST(RenderText, AsciiHasOnlyAsciiOfItsOwn) {
  for (char c : RenderText(Blocked(), Facts(), Plain(80, false))) ASSERT_GE(c, 0);
}

TEST(RenderText, FitsTheWidth) {
  for (size_t width : {40U, 60U, 80U, 100U, 200U}) {
    for (bool unicode : {true, false}) {
      ExpectFits(RenderText(Blocked(), Facts(), Plain(width, unicode)), width);
      ExpectFits(RenderText(Usable(), Facts(), Plain(width, unicode)), width);
    }
  }
}

TEST(RenderText, FirstLineOfEachVerdict) {
  const auto first = [](const Diagnosis& diagnosis, const Facts& facts = {}) {
    return std::string(SplitLines(RenderText(diagnosis, facts, Plain(200)))[0]);
  };
  EXPECT_EQ(first(Usable()), "Your TensorFlow can use the GPU.");
  EXPECT_EQ(first(Blocked()),
            "Your TensorFlow cannot use the GPU: TensorFlow does not find libcusolver.so.11.");

  Diagnosis degraded = Usable();
  degraded.verdict = VerdictKind::kGpuDegraded;
  degraded.causes = {Holds(kJit)};
  EXPECT_EQ(first(degraded),
            "Your TensorFlow can use the GPU, but not fully: The first start takes minutes.");
  degraded.causes = {Holds(kProgram)};
  EXPECT_EQ(first(degraded),
            "Your TensorFlow can use the GPU, but your program does not ask for it rightly: The program "
            "hides the GPU.");

  Diagnosis unknown = Usable();
  unknown.verdict = VerdictKind::kUnknown;
  unknown.unchecked = {
      {"host.wsl", "WSL", "nobody looked", Link::kHardware, false},
      {"tensorflow.cuda_build", "whether this build has CUDA", "Permission denied", Link::kTensorFlow, true}};
  EXPECT_EQ(
      first(unknown),
      "Could not tell whether your TensorFlow can use the GPU: Permission denied; so this is not known: "
      "whether this build has CUDA.");
  unknown.causes = {Open(kNouveau, 0.62)};
  EXPECT_EQ(first(unknown),
            "Could not tell whether your TensorFlow can use the GPU. Likeliest cause (62%): The nouveau "
            "driver holds the GPU.");

  Facts assumed;
  assumed.assumed = Fact<bool>::Value(true, {Witness::kStated, "--assume"});
  Gpu gpu;
  gpu.name = Fact<std::string>::Value("H100", {Witness::kStated, "--assume"});
  gpu.compute_capability = Fact<std::string>::Value("9.0", {Witness::kStated, "--assume"});
  assumed.gpus = Fact<std::map<std::string, Gpu>>::Value({{"assumed", gpu}}, {Witness::kStated, "--assume"});
  assumed.kernel_driver.version = Fact<std::string>::Value("570.1", {Witness::kStated, "--assume"});
  EXPECT_EQ(first(Usable(), assumed), "Your TensorFlow would be able to use the GPU.");
  EXPECT_NE(RenderText(Usable(), assumed, Plain(100))
                .find("Assumed, not read from this machine: H100 (compute capability 9.0), driver 570.1.\n"),
            std::string::npos);
  EXPECT_EQ(first(Blocked(), assumed).rfind("Your TensorFlow would not be able to use the GPU: ", 0), 0U);
}

TEST(RenderText, SaysHowSureItIs) {
  Diagnosis diagnosis = Blocked();
  constexpr std::string_view kDoubt = "another cause may lie behind it";
  EXPECT_EQ(RenderText(diagnosis, Facts(), Plain(200)).find(kDoubt), std::string::npos);
  diagnosis.confident = false;
  EXPECT_NE(RenderText(diagnosis, Facts(), Plain(200)).find(kDoubt), std::string::npos);

  diagnosis.verdict = VerdictKind::kUnknown;
  diagnosis.causes = {Open(kNouveau, 0.62), Open(kPath, 0.9999)};
  const std::string text = RenderText(diagnosis, Facts(), Plain(200));
  EXPECT_NE(text.find("\nThe likeliest cause (62%)\n  The nouveau driver holds the GPU\n"), std::string::npos)
      << text;
  EXPECT_NE(text.find("99%)"), std::string::npos) << text;
}

TEST(RenderText, CommandsStandAloneOnOneLine) {
  const Diagnosis diagnosis = Blocked();
  const std::string text = RenderText(diagnosis, Facts(), Plain(40));
  for (const Fix& fix : diagnosis.causes[0].fixes) {
    for (const std::string& command : fix.commands) {
      EXPECT_NE(text.find("\n    " + command + "\n"), std::string::npos) << command;
    }
  }
}

TEST(RenderText, ColourOnlyWhenAskedForAndNeverAlone) {
  const std::string plain = RenderText(Blocked(), Facts(), Plain(80));
  EXPECT_FALSE(HasControl(plain));
  const std::string colored = RenderText(Blocked(), Facts(), {80, true, true, true});
  EXPECT_NE(colored.find("\x1b[1;31m"), std::string::npos);
  // Without its sequences it says the same, but for the backticks that colour stands for.
  std::string stripped;
  const std::string all = RenderText(Blocked(), Facts(), {80, true, true, false});
  for (size_t i = 0; i < all.size(); i++) {
    if (all[i] == '\x1b') {
      i = all.find('m', i);
    } else {
      stripped += all[i];
    }
  }
  const auto words = [](std::string text) {
    std::erase_if(text, [](char c) { return c == '`' || c == ' ' || c == '\n'; });
    return text;
  };
  EXPECT_EQ(words(stripped), words(plain));
}

TEST(RenderText, HostileTextCannotReachTheTerminal) {
  const std::string hostile = "a\x1b[2J\x1b]0;owned\x07\nb\r\xff\xc2\x9b 31m\u202Egnp";
  Diagnosis diagnosis = Blocked();
  for (Finding& finding : diagnosis.causes) {
    finding.title = finding.explanation = finding.reason = hostile;
    finding.evidence = {{hostile, Witness::kMachine, hostile, Strength::kStrong}};
    finding.fixes = {{hostile, {hostile, "second"}, true, true, Safety::kSafe, {}}};
  }
  diagnosis.explained[0].title = hostile;
  for (Unchecked& unchecked : diagnosis.unchecked) unchecked.what = unchecked.why = unchecked.fact = hostile;
  diagnosis.ask[0] = {hostile, hostile, hostile, {}};
  for (ChainLink& link : diagnosis.chain) link.summary = hostile;
  Facts facts;
  facts.host.kernel = Fact<std::string>::Value(hostile, {Witness::kMachine, hostile});
  facts.host.glibc = Fact<std::string>::Unknown(hostile, {Witness::kMachine, hostile});

  for (bool unicode : {true, false}) {
    const std::string text = RenderText(diagnosis, facts, {80, false, unicode, true});
    EXPECT_FALSE(HasControl(text));
    EXPECT_EQ(text.find("\u202E"), std::string::npos);
    EXPECT_EQ(text.find("\xff"), std::string::npos);
    EXPECT_EQ(text.find("\xc2\x9b"), std::string::npos);
  }
  const std::string answer = RenderJson(diagnosis, &facts, ARun());
  EXPECT_FALSE(HasControl(answer));
  EXPECT_TRUE(std::all_of(answer.begin(), answer.end(), [](char c) { return c > 0; }));
  const nlohmann::json json = Valid(answer);
  EXPECT_EQ(json["causes"][0]["evidence"][0]["from"].get<std::string>().substr(0, 5), "a\x1b[2J");
  EXPECT_TRUE(json.contains("facts"));
}

TEST(RenderText, FoldersAreListedOnceAndOnlyVerbose) {
  std::string folders = "the folders that the loader searches: /first/";
  for (int i = 0; i < 20; i++) folders += ", /usr/lib/folder/";
  Diagnosis diagnosis = Blocked();
  diagnosis.causes[0].evidence = {
      {folders, Witness::kMachine, "libone.so.1 is not found", Strength::kStrong},
      {folders, Witness::kMachine, "libtwo.so.1 is not found", Strength::kStrong}};
  const std::string shown = RenderText(diagnosis, Facts(), {200, false, false, false});
  EXPECT_NE(shown.find("libone.so.1 is not found (the folders that the loader searches)"), std::string::npos)
      << shown;
  EXPECT_EQ(shown.find("/first/"), std::string::npos) << shown;
  const std::string verbose = RenderText(diagnosis, Facts(), {200, false, false, true});
  EXPECT_NE(verbose.find("/first/"), std::string::npos) << verbose;
  EXPECT_NE(verbose.find("libtwo.so.1 is not found (the folders that the loader searches)"),
            std::string::npos)
      << verbose;
}

TEST(RenderText, VerboseShowsEveryFactWithItsOrigin) {
  Facts facts;
  facts.host.kernel = Fact<std::string>::Value("6.1.0", {Witness::kMachine, "uname"});
  facts.host.wsl = Fact<std::string>::Absent({Witness::kMachine, "/proc/version"});
  facts.host.glibc = Fact<std::string>::Unknown("Permission denied", {Witness::kMachine, "/lib"});
  const std::string text = RenderText(Usable(), facts, {100, false, false, true});
  EXPECT_NE(text.find("host.kernel: 6.1.0 [machine: uname]"), std::string::npos) << text;
  EXPECT_NE(text.find("host.wsl: absent [machine: /proc/version]"), std::string::npos) << text;
  EXPECT_NE(text.find("host.glibc: unknown (Permission denied) [machine: /lib]"), std::string::npos) << text;
}

TEST(RenderJson, HasTheKeysOfTheSchema) {
  for (const Diagnosis& diagnosis : {Usable(), Blocked()}) Valid(RenderJson(diagnosis, nullptr, ARun()));
  const nlohmann::json json = Valid(RenderJson(Blocked(), nullptr, ARun()));
  EXPECT_FALSE(json.contains("facts"));
  EXPECT_EQ(json["verdict"], "gpu-blocked");
  EXPECT_EQ(json["causes"].size(), 4U);
  EXPECT_EQ(json["causes"][0]["reason"], "search-path");
  EXPECT_FALSE(json["causes"][1].contains("reason"));
  EXPECT_EQ(json["causes"][3]["state"], "open");
  EXPECT_EQ(json["causes"][0]["fixes"][1]["safety"], "consent");
  EXPECT_EQ(json["causes"][0]["evidence"][1]["witness"], "stated");
  EXPECT_EQ(json["explained"][0]["explained_by"], "cuda-libraries-not-on-search-path");
  EXPECT_EQ(json["chain"][6]["state"], "broken");
}

TEST(RenderJson, DiffersBetweenRunsOnlyInRun) {
  nlohmann::json one = Valid(RenderJson(Blocked(), nullptr, ARun()));
  nlohmann::json two = Valid(RenderJson(Blocked(), nullptr, {"0.2.0", "2027-01-01T00:00:00Z", 9, 7}));
  EXPECT_NE(one, two);
  one.erase("run");
  two.erase("run");
  EXPECT_EQ(one, two);
}

TEST(RenderJson, AFailureIsAValidAnswer) {
  const nlohmann::json json = Valid(RenderFailureJson("internal error: x", ARun()));
  EXPECT_EQ(json["verdict"], "unknown");
  EXPECT_EQ(json["unchecked"][0]["why"], "internal error: x");
}

TEST(JsonSchemaOfTheTests, SeesFaults) {
  const JsonSchema schema(Schema());
  const auto faults = [&](const char* pointer, const nlohmann::json& value) {
    nlohmann::json json = nlohmann::json::parse(RenderJson(Blocked(), nullptr, ARun()));
    json[nlohmann::json::json_pointer(pointer)] = value;
    return schema.Faults(json).size();
  };
  EXPECT_GT(faults("/schema", 2), 0U);
  EXPECT_GT(faults("/verdict", "fine"), 0U);
  EXPECT_GT(faults("/confident", "yes"), 0U);
  EXPECT_GT(faults("/new", 1), 0U);
  EXPECT_GT(faults("/chain", nlohmann::json::array()), 0U);
  EXPECT_GT(faults("/causes/0/likelihood", 1.5), 0U);
  EXPECT_GT(faults("/causes/0/id", "Not An Id"), 0U);
  EXPECT_GT(faults("/causes/0/evidence/0/witness", "rumour"), 0U);
  EXPECT_GT(faults("/causes/0/needs", nlohmann::json::array()), 0U);
  EXPECT_GT(faults("/chain/0/link", "none"), 0U);
  EXPECT_EQ(faults("/causes/0/link", "none"), 0U);
}

TEST(Terminal, DisplayWidth) {
  EXPECT_EQ(DisplayWidth("abc"), 3U);
  EXPECT_EQ(DisplayWidth("é…✘"), 3U);
  EXPECT_EQ(DisplayWidth("日本"), 4U);
  EXPECT_EQ(DisplayWidth("e\u0301"), 1U);
  EXPECT_EQ(DisplayWidth("\x1b[1;31mab\x1b[0m"), 2U);
  EXPECT_EQ(DisplayWidth("\x1b["), 0U);     // cut short
  EXPECT_EQ(DisplayWidth("\xe6\x97"), 1U);  // cut short
}

TEST(Pages, MarkdownBecomesText) {
  Rule rule = MakeRule("an-id", Link::kPython, Effect::kBlocks, "A title");
  rule.page = R"(## What it means

A paragraph that is long enough to be wrapped, with `code` in it, over
two lines of the source.

- one item that is long enough to be wrapped at the width of sixty columns
  and goes on
- two

1. first

   ```
   pip install  x  # kept as it is, however long the line may become in the end
   ```

## How to fix it

```sh
echo a
    indented
```

    also code

The end.
)";
  ExpectGolden("page_60.txt", RenderPage(rule, Plain(60)));
}

TEST(Pages, HostileMarkdownEnds) {
  for (const char* page :
       {"```", "#", "####", "- ", "1. ", "**", "`", "`a", "**a", "\n\n\n", "    ", "\x1b[2J", "* * *"}) {
    Rule rule = MakeRule("an-id", Link::kPython, Effect::kBlocks, "A title");
    rule.page = page;
    EXPECT_FALSE(HasControl(RenderPage(rule, Plain(40)))) << page;
    RenderPage(rule, {40, true, true, false});
  }
}

TEST(Pages, RandomMarkdownEndsAndIsSafe) {
  std::minstd_rand random(20261123);
  constexpr std::string_view kPieces[] = {"#",     "-",        "*",    "**",   "`",  "```",
                                          "1. ",   "\n",       "\n\n", "    ", " ",  "word",
                                          "\x1b[", "\xe6\x97", "日本", "\t",   "\r", "…"};
  for (int i = 0; i < 2000; i++) {
    std::string page;
    for (int k = 0; k < 40; k++) page += kPieces[random() % std::size(kPieces)];
    Rule rule = MakeRule("an-id", Link::kPython, Effect::kBlocks, page);
    rule.page = page;
    ASSERT_FALSE(HasControl(RenderPage(rule, Plain(40)))) << page;
    RenderPage(rule, {40, true, true, false});
  }
}

TEST(Pages, NearestNames) {
  const std::vector<std::string> names = {"nouveau-holds-the-gpu", "no-nvidia-gpu", "cudnn-mixed"};
  EXPECT_EQ(Nearest("no-nvida-gpu", names).at(0), "no-nvidia-gpu");
  EXPECT_EQ(Nearest("NOUVEAU", names).at(0), "nouveau-holds-the-gpu");
  EXPECT_TRUE(Nearest("zzzzzzzz", names).empty());
  EXPECT_TRUE(Nearest("", names).empty());
  EXPECT_TRUE(Nearest(std::string(1 << 20, 'x'), names).empty());
}

TEST(Pages, CausesAreListedByLink) {
  const Rule* rules[] = {&kPath, &kNouveau};
  const std::string text = RenderCauses(rules, Plain(80));
  ExpectFits(text, 80);
  ExpectFits(RenderCauses(rules, Plain(40)), 40);
  EXPECT_LT(text.find("nouveau-holds-the-gpu"), text.find("cuda-libraries-not-on-search-path"));
  const nlohmann::json json = nlohmann::json::parse(RenderCausesJson(rules));
  EXPECT_EQ(json["causes"][0]["id"], "cuda-libraries-not-on-search-path");
  EXPECT_EQ(FindRule(rules, "nouveau-holds-the-gpu"), &kNouveau);
  EXPECT_EQ(FindRule(rules, "nouveau"), nullptr);
}

}  // namespace
}  // namespace tfdoctor
