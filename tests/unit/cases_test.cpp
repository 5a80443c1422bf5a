// Every rule with its cases (tests/cases/<id>/*.json: a patch on a base, and the whole diagnosis that is
// expected), and what must be true of all of them together.

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <set>
#include <type_traits>
#include <utility>

#include "diagnose/diagnose.h"
#include "facts/json.h"
#include "facts/walk.h"
#include "knowledge/knowledge.h"
#include "logs/facts.h"
#include "logs/read.h"
#include "logs/statements.h"
#include "rules/all.h"
#include "turn.h"

namespace tfdoctor {
namespace {

using Json = nlohmann::ordered_json;
namespace fs = std::filesystem;

const fs::path kCases = fs::path(TFDOCTOR_SOURCE_DIR) / "tests/cases";

Json ReadJson(const fs::path& path) {
  std::ifstream in(path);
  EXPECT_TRUE(in.good()) << path;
  return Json::parse(in, nullptr, true, true);
}

Facts ParseFacts(const Json& json, const std::string& name) {
  auto facts = FactsFromJson(json);
  EXPECT_TRUE(facts.ok()) << name << ": " << (facts.ok() ? "" : facts.error().message);
  return facts.ok() ? *facts : Facts();
}

// "log": lines of a program; "context": what is stated. The machine's facts come from base and patch.
void AddLogOf(const Json& json, const std::string& name, Facts& facts) {
  if (!json.contains("log")) return WithoutLog(facts);
  std::string log;
  for (const Json& line : json["log"]) log += line.get<std::string>() + "\n";
  Statements statements;
  if (json.contains("context")) {
    auto read = ReadStatements(json["context"].dump());
    ASSERT_TRUE(read.ok()) << name << ": " << read.error().message;
    statements = *read;
  }
  const LogReading reading = ReadLog(log, BuiltInKnowledge());
  AddLog(reading, statements, BuiltInKnowledge(), json.at("base") == "nothing", facts);
}

// A GPU that a patch adds is like the base's but for what the patch says of it.
void AddGpusOf(const Json& patch, Json& facts) {
  if (!patch.contains("gpus") || !patch["gpus"].is_object() || !facts.contains("gpus")) return;
  const Json first = facts["gpus"].begin().value();
  for (const auto& [address, gpu] : patch["gpus"].items()) {
    if (gpu.is_object() && !facts["gpus"].contains(address)) facts["gpus"][address] = first;
  }
}

struct Case {
  std::string rule;  // empty: a base
  std::string name;
  Facts facts;
  Json expect;
};

const std::vector<Case>& Cases() {
  static const std::vector<Case> cases = [] {
    std::vector<Case> all;
    std::map<std::string, Json> bases;
    for (const char* base : {"healthy", "nothing"}) {
      bases[base] = ReadJson(kCases / (std::string(base) + ".json"));
      all.push_back({"", base, ParseFacts(bases[base], base), Json::object()});
      if (base == std::string("healthy")) WithoutLog(all.back().facts);
    }
    std::vector<fs::path> files;
    for (const auto& entry : fs::recursive_directory_iterator(kCases)) {
      if (entry.path().extension() == ".json" && entry.path().parent_path() != kCases)
        files.push_back(entry.path());
    }
    std::sort(files.begin(), files.end());
    for (const fs::path& file : files) {
      Json json = ReadJson(file);
      std::string name = file.parent_path().filename().string() + "/" + file.stem().string();
      Json facts = bases.at(json.at("base").get<std::string>());
      AddGpusOf(json.at("patch"), facts);
      facts.merge_patch(json.at("patch"));
      all.push_back(
          {file.parent_path().filename().string(), name, ParseFacts(facts, name), json.at("expect")});
      AddLogOf(json, name, all.back().facts);
    }
    return all;
  }();
  return cases;
}

Diagnosis Judge(const Facts& facts) { return Diagnose(facts, BuiltInKnowledge(), AllRules()); }

const Rule* FindRule(std::string_view id) {
  for (const Rule* rule : AllRules()) {
    if (rule->id == id) return rule;
  }
  return nullptr;
}

// What was said, for messages and comparisons: "cpu-only-tensorflow holds".
std::vector<std::string> Named(const std::vector<Finding>& findings) {
  std::vector<std::string> named;
  for (const Finding& finding : findings)
    named.push_back(std::string(finding.rule->id) + (finding.holds ? " holds" : " open"));
  return named;
}

bool Contains(const std::vector<std::string>& texts, const std::string& part) {
  return std::any_of(texts.begin(), texts.end(),
                     [&](const std::string& text) { return text.find(part) != std::string::npos; });
}

// Guesses are left aside: they hang on the words of all pages, so that the page of another cause may change
// them. tests/cli/cli_test.py has theirs.
void CheckCauses(const Json& expect, const Diagnosis& diagnosis) {
  std::vector<Finding> found = diagnosis.causes;
  std::erase_if(found, [](const Finding& finding) { return finding.guessed; });
  std::vector<std::string> expected;
  for (const Json& cause : expect.at("causes"))
    expected.push_back(cause.at("id").get<std::string>() + " " + cause.at("state").get<std::string>());
  EXPECT_EQ(Named(found), expected);
  if (Named(found) != expected) return;
  for (size_t i = 0; i < expected.size(); i++) {
    const Json& cause = expect.at("causes")[i];
    const Finding& finding = found[i];
    if (cause.contains("reason")) {
      EXPECT_EQ(finding.reason, cause["reason"].get<std::string>());
    }
    if (cause.contains("likelihood_at_least")) {
      EXPECT_GE(finding.likelihood, cause["likelihood_at_least"].get<double>());
    }
  }
}

void CheckWords(const Json& expect, const Diagnosis& diagnosis) {
  std::vector<std::string> evidence;
  std::vector<std::string> commands;
  for (const Finding& finding : diagnosis.causes) {
    for (const Evidence& sign : finding.evidence) evidence.insert(evidence.end(), {sign.text, sign.from});
    for (const Fix& fix : finding.fixes)
      commands.insert(commands.end(), fix.commands.begin(), fix.commands.end());
  }
  for (const Json& part : expect.value("evidence", Json::array())) {
    EXPECT_TRUE(Contains(evidence, part.get<std::string>())) << part << " is not in " << Json(evidence);
  }
  for (const Json& part : expect.value("fix", Json::array())) {
    EXPECT_TRUE(Contains(commands, part.get<std::string>())) << part << " is not in " << Json(commands);
  }
}

TEST(Cases, AreDiagnosedAsExpected) {
  for (const Case& c : Cases()) {
    if (c.rule.empty()) continue;
    SCOPED_TRACE(c.name);
    Diagnosis diagnosis = Judge(c.facts);
    EXPECT_EQ(Name(diagnosis.verdict), c.expect.at("verdict").get<std::string>());
    if (c.expect.contains("confident")) {
      EXPECT_EQ(diagnosis.confident, c.expect["confident"].get<bool>());
    }
    CheckCauses(c.expect, diagnosis);
    CheckWords(c.expect, diagnosis);
    for (const Finding& finding : diagnosis.causes) {
      std::set<std::pair<std::string, std::string>> told;
      for (const Evidence& one : finding.evidence)
        EXPECT_TRUE(told.emplace(one.from, one.text).second) << one.text << " is said twice";
    }
    std::set<std::string> explained;
    for (const Finding& finding : diagnosis.explained) explained.emplace(finding.rule->id);
    EXPECT_EQ(explained, c.expect.value("explained", Json::array()).get<std::set<std::string>>());
    std::set<std::string> unchecked;
    for (const Unchecked& need : diagnosis.unchecked) unchecked.insert(need.fact);
    for (const Json& need : c.expect.value("needs", Json::array()))
      EXPECT_TRUE(unchecked.contains(need.get<std::string>())) << need;
    const Json links = c.expect.value("links", Json::object());
    for (const auto& [link, state] : links.items()) {
      for (const ChainLink& entry : diagnosis.chain) {
        if (Name(entry.link) == link) {
          EXPECT_EQ(Name(entry.state), state.get<std::string>()) << link;
        }
      }
    }
  }
}

TEST(Cases, HealthyMachineIsUsable) {
  Diagnosis diagnosis = Judge(Cases()[0].facts);
  EXPECT_EQ(diagnosis.verdict, VerdictKind::kGpuUsable);
  EXPECT_TRUE(diagnosis.confident);
  EXPECT_EQ(Named(diagnosis.causes), std::vector<std::string>());
  std::vector<std::string> unchecked;
  for (const Unchecked& need : diagnosis.unchecked) unchecked.push_back(need.fact);
  EXPECT_EQ(unchecked, std::vector<std::string>());
}

TEST(Cases, NothingKnownIsUnknown) {
  Diagnosis diagnosis = Judge(Cases()[1].facts);
  EXPECT_EQ(diagnosis.verdict, VerdictKind::kUnknown);
  EXPECT_FALSE(diagnosis.confident);
  EXPECT_EQ(Named(diagnosis.causes), std::vector<std::string>());
}

// Positive: the rule speaks, as a cause or explained. Negative: it does not.
TEST(Cases, EveryRuleHasAPositiveAndANegativeOne) {
  std::map<std::string, std::pair<int, int>> seen;
  for (const Case& c : Cases()) {
    if (c.rule.empty()) continue;
    EXPECT_NE(FindRule(c.rule), nullptr) << "tests/cases/" << c.rule << " is of no rule";
    Diagnosis diagnosis = Judge(c.facts);
    bool speaks = false;
    for (const auto* findings : {&diagnosis.causes, &diagnosis.explained}) {
      for (const Finding& finding : *findings) speaks = speaks || finding.rule->id == c.rule;
    }
    (speaks ? seen[c.rule].first : seen[c.rule].second)++;
  }
  for (const Rule* rule : AllRules()) {
    EXPECT_GT(seen[std::string(rule->id)].first, 0) << rule->id << " has no positive case";
    EXPECT_GT(seen[std::string(rule->id)].second, 0) << rule->id << " has no negative case";
  }
}

// `diagnosis` is `complete` with one fact forgotten.
void ExpectNotSurer(const Diagnosis& complete, const Diagnosis& diagnosis) {
  auto named = [](const std::vector<Finding>& findings, const Finding& finding) {
    return std::any_of(findings.begin(), findings.end(),
                       [&](const Finding& other) { return other.rule == finding.rule; });
  };
  if (complete.verdict != VerdictKind::kGpuUsable) {
    EXPECT_NE(diagnosis.verdict, VerdictKind::kGpuUsable);
  }
  if (diagnosis.confident && diagnosis.headline() != nullptr) {
    EXPECT_TRUE(named(complete.causes, *diagnosis.headline())) << diagnosis.headline()->rule->id;
  }
  for (const Finding& finding : diagnosis.causes) {
    EXPECT_TRUE(!finding.holds || named(complete.causes, finding) || named(complete.explained, finding))
        << finding.rule->id << " holds only since something is not known";
  }
}

// The property that matters most: what we do not know never makes us say more.
TEST(Cases, ForgettingAFactNeverMakesADiagnosisSurer) {
  Turn turn(3);
  for (const Case& c : Cases()) {
    if (!turn.Next()) continue;
    Diagnosis complete = Judge(c.facts);
    // In place, one after the other: a copy of all facts for each of them would take most of the time.
    Facts facts = c.facts;
    WalkFacts(facts, [&](const std::string& path, const std::string&, auto& fact) {
      if (fact.state() == FactState::kUnknown) return;
      using F = std::remove_cvref_t<decltype(fact)>;
      F known = std::exchange(fact, F::Unknown("forgotten by the test", fact.origin()));
      SCOPED_TRACE(c.name + " without " + path);
      ExpectNotSurer(complete, Judge(facts));
      fact = std::move(known);
    });
    EXPECT_EQ(ToJson(facts), ToJson(c.facts)) << c.name;
  }
}

TEST(Cases, FactsSurviveJson) {
  Turn turn(3);
  for (const Case& c : Cases()) {
    if (!turn.Next()) continue;
    Json json = ToJson(c.facts);
    auto again = FactsFromJson(json);
    ASSERT_TRUE(again.ok()) << c.name << ": " << again.error().message;
    EXPECT_EQ(ToJson(*again), json) << c.name;
  }
}

// The rows of data/questions.toml: words are data, so only a test can hold them against the facts.
TEST(Questions, AskForFactsThatExistWithAnswersThatFit) {
  const std::vector<QuestionRow> questions = BuiltInKnowledge().Questions();
  ASSERT_GT(questions.size(), 5u);
  for (const QuestionRow& question : questions) {
    Facts facts;
    EXPECT_TRUE(Forget(facts, question.fact, "not read")) << question.fact;
    for (const auto& [word, json] : question.answers) {
      Facts answered;
      const auto error = StateFact(answered, question.fact, Json::parse(json));
      EXPECT_FALSE(error) << question.fact << " " << word << ": " << error->message;
    }
  }
  Facts facts;
  EXPECT_TRUE(StateFact(facts, "no.such.fact", Json("x")));
  EXPECT_TRUE(StateFact(facts, "gpus", Json(true)));
}

// What is asked first is what brings the causes farthest apart, and its answers really do.
TEST(Questions, AnswersTellTheCausesApart) {
  auto judge = [](const char* key, const char* word) {
    Statements statements;
    if (key != nullptr) statements.Answer(key, word, BuiltInKnowledge());
    Facts facts;
    AddLog(ReadLog("failed call to cuInit: UNKNOWN ERROR (303)\n", BuiltInKnowledge()), statements,
           BuiltInKnowledge(), true, facts);
    return Diagnose(facts, BuiltInKnowledge(), AllRules());
  };
  auto share = [](const Diagnosis& diagnosis, std::string_view id) {
    for (const Finding& finding : diagnosis.causes) {
      if (finding.rule->id == id) return finding.likelihood;
    }
    return 0.0;
  };
  const Diagnosis before = judge(nullptr, nullptr);
  ASSERT_FALSE(before.ask.empty());
  EXPECT_EQ(before.ask.front().key, "gpus");
  EXPECT_EQ(before.ask.front().answers, (std::vector<std::string>{"none", "nvidia"}));
  EXPECT_GT(share(judge("gpus", "none"), "no-nvidia-gpu"), share(before, "no-nvidia-gpu"));
  const Diagnosis with_gpu = judge("gpus", "nvidia");
  EXPECT_EQ(share(with_gpu, "no-nvidia-gpu"), 0);
  for (const Ask& ask : with_gpu.ask) EXPECT_NE(ask.key, "gpus");
  constexpr const char* kPath = "driver_library.cuda.path";
  EXPECT_GT(share(judge(kPath, "no"), "driver-library-missing"), share(before, "driver-library-missing"));
  // What an answer would exclude speaks against it, though nobody looked at the machine.
  EXPECT_LT(share(judge(kPath, "yes"), "driver-library-missing"), share(before, "driver-library-missing"));
}

// A saying that half of all reports hold would make half of all answers wrong and sure.
TEST(Sayings, OrdinarySentencesProveNothing) {
  constexpr double kUnsure = 0.8;
  std::ifstream file(TFDOCTOR_SOURCE_DIR "/tests/ordinary-sentences.txt");
  size_t sentences = 0;
  for (std::string sentence; std::getline(file, sentence);) {
    if (sentence.starts_with('#')) continue;
    sentences++;
    LogReading reading = ReadLog(sentence, BuiltInKnowledge());
    reading.own_words = sentence;
    Facts facts;
    AddLog(reading, {}, BuiltInKnowledge(), true, facts);
    const Diagnosis diagnosis = Diagnose(facts, BuiltInKnowledge(), AllRules());
    for (const Finding& finding : diagnosis.causes) {
      EXPECT_FALSE(finding.holds) << finding.rule->id << ": " << sentence;
      EXPECT_LT(finding.likelihood, kUnsure) << finding.rule->id << ": " << sentence;
    }
  }
  EXPECT_GE(sentences, 30U);
}

TEST(Rules, HaveUniqueIdsAndCompletePages) {
  std::set<std::string_view> ids;
  for (const Rule* rule : AllRules()) {
    EXPECT_TRUE(ids.insert(rule->id).second) << rule->id;
    EXPECT_FALSE(rule->title.empty()) << rule->id;
    EXPECT_GT(rule->prior, 0) << rule->id;
    EXPECT_LE(rule->prior, 1) << rule->id;
    size_t at = 0;
    for (const char* heading :
         {"## What it means\n\n", "\n## How it is recognised\n\n", "\n## How it happens\n\n",
          "\n## What people say\n\n", "\n## How to fix it\n\n"}) {
      size_t found = rule->page.find(heading, at);
      ASSERT_NE(found, std::string_view::npos) << rule->id << " lacks " << heading;
      at = found + std::string_view(heading).size();
      EXPECT_NE(rule->page[at], '#') << rule->id << " has nothing under " << heading;
    }
    fs::path file =
        fs::path(TFDOCTOR_SOURCE_DIR) / "src/rules" / Name(rule->link) / (std::string(rule->id) + ".cpp");
    EXPECT_TRUE(fs::exists(file)) << file << ": the folder is the link, the file's name the id";
  }
}

TEST(Rules, ExplainWithoutCycles) {
  std::map<const Rule*, std::vector<const Rule*>> explained_by;
  for (const Rule* rule : AllRules()) {
    for (const ExplainedBy& entry : rule->explained_by) {
      if (entry.by.empty()) break;
      bool any = false;
      for (const Rule* by : AllRules()) {
        bool named =
            entry.by.starts_with("link:") ? entry.by.substr(5) == Name(by->link) : entry.by == by->id;
        any = any || named;
        if (named && by != rule) explained_by[rule].push_back(by);
      }
      EXPECT_TRUE(any) << rule->id << " names " << entry.by << ", which does not exist";
    }
    for (const std::string_view id : rule->explains) {
      if (id.empty()) break;
      const Rule* other = FindRule(id);
      ASSERT_NE(other, nullptr) << rule->id << " names " << id << ", which does not exist";
      explained_by[other].push_back(rule);
    }
  }
  std::map<const Rule*, int> state;  // 1: being visited, 2: done
  std::function<bool(const Rule*)> visit = [&](const Rule* rule) {
    if (state[rule] != 0) return state[rule] == 2;
    state[rule] = 1;
    for (const Rule* by : explained_by[rule]) {
      if (!visit(by)) return false;
    }
    state[rule] = 2;
    return true;
  };
  for (const Rule* rule : AllRules()) EXPECT_TRUE(visit(rule)) << rule->id << " explains itself";
}

TEST(Rules, EveryCommandSaysSomething) {
  for (const Case& c : Cases()) {
    for (const Finding& finding : Judge(c.facts).causes) {
      for (const Fix& fix : finding.fixes) {
        EXPECT_FALSE(fix.title.empty()) << c.name;
        for (const std::string& command : fix.commands)
          EXPECT_FALSE(command.empty()) << c.name << ": " << fix.title;
        if (fix.safety != Safety::kAdvice) {
          EXPECT_FALSE(fix.changes.empty()) << c.name << ": \"" << fix.title << "\" cannot be tried";
        }
      }
    }
  }
}

}  // namespace
}  // namespace tfdoctor
