// The reader of programs against Python's own `tokenize` and `ast`, on the standard library as it is and with
// lines put in at random places, and on programs written for the purpose (tests/programs).
#include "python/program.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <sstream>

#include "base/text.h"
#include "python/tokenizer.h"
#include "system/system.h"

namespace fs = std::filesystem;

namespace tfdoctor {
namespace {

using What = ProgramAction::What;

std::string ReadFile(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  std::stringstream text;
  text << in.rdbuf();
  return text.str();
}

std::string OutputOf(const std::string& command) {
  std::string output;
  FILE* pipe = popen(command.c_str(), "r");
  if (pipe == nullptr) return output;
  char buffer[65536];
  for (size_t n = 0; (n = fread(buffer, 1, sizeof buffer, pipe)) > 0;) output.append(buffer, n);
  return pclose(pipe) == 0 ? output : "the program failed";
}

class ProgramOracle : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = fs::temp_directory_path() / "tfdoctor-program-XXXXXX";
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    root_ = pattern;
  }
  void TearDown() override { fs::remove_all(root_); }

  // What Python says of the files of its standard library, one answer a line.
  std::string Ask(const char* program) {
    std::ofstream(root_ / "ask.py") << program;
    return OutputOf("/usr/bin/python3 -I " + (root_ / "ask.py").string() + " " + root_.string());
  }

  fs::path root_;
};

// Files of the standard library of all sizes, 240 of them.
#define CORPUS                                                                                      \
  "import sys, os, glob, io, sysconfig, random, ast, tokenize\n"                                    \
  "lib = sysconfig.get_paths()['stdlib']\n"                                                         \
  "files = [f for f in sorted(glob.glob(lib + '/**/*.py', recursive=True)) if '-packages' not in f" \
  " and 0 < os.path.getsize(f) < 60000]\n"                                                          \
  "files = files[::max(1, len(files) // 240)][:240]\n"

constexpr const char* kTokens = CORPUS R"py(
kinds = {tokenize.NAME: 'n', tokenize.NUMBER: 'd', tokenize.STRING: 's', tokenize.OP: 'o', tokenize.NEWLINE: '\\n',
         tokenize.INDENT: '>', tokenize.DEDENT: '<', tokenize.ENDMARKER: '.'}
start, end = getattr(tokenize, 'FSTRING_START', -1), getattr(tokenize, 'FSTRING_END', -1)
for file in files:
    with open(file, 'rb') as f: data = f.read()
    try:
        ast.parse(data)
        tokens = list(tokenize.tokenize(io.BytesIO(data).readline))
    except Exception:
        continue
    lines = io.TextIOWrapper(io.BytesIO(data), tokenize.detect_encoding(io.BytesIO(data).readline)[0]).read().split('\n')
    print('file', file)
    depth, begin = 0, None
    for t in tokens:
        if t.type == start:
            depth += 1
            if depth == 1: begin = t.start
        elif t.type == end:
            depth -= 1
            if depth == 0:
                part = lines[begin[0] - 1:t.end[0]]
                part[-1] = part[-1][:t.end[1]]
                part[0] = part[0][begin[1]:]
                print('s', begin[0], ascii('\n'.join(part)))
        elif depth == 0 and t.type in kinds:
            k = kinds[t.type]
            print(k, t.start[0] if k in 'ndso' else '', ascii(t.string) if k in 'ndso' else '')
)py";

// As Python's ascii() writes a text.
std::string Ascii(std::string_view text) {
  bool single = text.find('\'') != std::string_view::npos;
  bool dual = text.find('"') != std::string_view::npos;
  char quote = single && !dual ? '"' : '\'';
  std::string out(1, quote);
  for (size_t i = 0; i < text.size(); ++i) {
    auto c = static_cast<unsigned char>(text[i]);
    char buffer[16];
    if (c == '\n') {
      out += "\\n";
    } else if (c == '\t') {
      out += "\\t";
    } else if (c == '\\' || c == static_cast<unsigned char>(quote)) {
      out += '\\';
      out += text[i];
    } else if (c < 0x20 || c == 0x7F) {
      snprintf(buffer, sizeof buffer, "\\x%02x", c);
      out += buffer;
    } else if (c < 0x80) {
      out += text[i];
    } else {
      size_t length = c >= 0xF0 ? 4 : c >= 0xE0 ? 3 : 2;
      uint32_t code = c & (0xFFU >> (length + 1));
      for (size_t k = 1; k < length && i + k < text.size(); ++k)
        code = code << 6 | (static_cast<unsigned char>(text[i + k]) & 0x3F);
      i += length - 1;
      snprintf(buffer, sizeof buffer,
               code < 0x100     ? "\\x%02x"
               : code < 0x10000 ? "\\u%04x"
                                : "\\U%08x",
               code);
      out += buffer;
    }
  }
  return out + quote;
}

std::vector<std::string> OurTokens(const std::string& source) {
  static constexpr const char* kKinds[] = {"n", "d", "s", "o", "\\n", ">", "<", ".", "m"};
  std::vector<std::string> lines;
  for (const PythonToken& token : TokenizePython(source).tokens) {
    std::string line = kKinds[static_cast<size_t>(token.kind)];
    bool text = token.kind <= PythonToken::Kind::kOperator;
    lines.push_back(line + (text ? " " + std::to_string(token.line) + " " + Ascii(token.text) : "  "));
  }
  return lines;
}

TEST_F(ProgramOracle, TokensAreThoseOfPython) {
  std::string answer = Ask(kTokens);
  int files = 0;
  size_t tokens = 0;
  std::vector<std::string> ours;
  size_t at = 0;
  std::string file;
  bool differs = false;
  auto finish = [&] {
    if (!file.empty() && !differs) {
      EXPECT_EQ(at, ours.size()) << file;
    }
  };
  for (std::string_view line : SplitLines(answer)) {
    if (line.starts_with("file ")) {
      finish();
      file = line.substr(5);
      Result<std::string> source = DecodePython(ReadFile(file));
      ASSERT_TRUE(source.ok()) << file << ": " << source.error().message;
      auto found = TokenizePython(*source);
      EXPECT_FALSE(found.error.has_value()) << file << ": " << (found.error ? found.error->message : "");
      // In another encoding Ascii() could not compare what is beyond ASCII.
      ours = OurTokens(*source);
      at = 0;
      differs = false;
      ++files;
      continue;
    }
    ++tokens;
    if (differs) continue;
    std::string mine = at < ours.size() ? ours[at] : "nothing";
    bool high = mine.find("\\x") != std::string::npos && line.find("\\x") != std::string_view::npos;
    if (mine != line && !high) {
      differs = true;
      ADD_FAILURE() << file << ": Python has \"" << line << "\", we have \"" << mine << "\"";
    }
    ++at;
  }
  finish();
  std::cout << files << " files, " << tokens << " tokens\n";
  EXPECT_GE(files, 200) << answer.substr(0, 200);
}

// Into each file lines are put at random places (into strings and brackets as well); where Python still
// parses it, its syntax tree says which of them are statements, and which run whenever the file does.
constexpr const char* kStatements = CORPUS R"py(
random.seed(7)
out = sys.argv[1]
def mark(node, sure, found):
    ended = False
    def body(nodes, sure):
        nonlocal ended
        for n in nodes:
            mine = sure and not ended_all[0]
            if isinstance(n, ast.Assign) and isinstance(n.targets[0], ast.Subscript) and \
               ast.unparse(n.targets[0].value) == 'os.environ' and isinstance(n.value, ast.Constant) and \
               str(n.value.value).startswith('put in'):
                found[n.targets[0].slice.value] = (n.lineno, mine)
            visit(n, mine)
            if sure and isinstance(n, (ast.Raise, ast.Return)): ended_all[0] = True
            if sure and isinstance(n, ast.Expr) and isinstance(n.value, ast.Call) and \
               ast.unparse(n.value.func) in ('sys.exit', 'exit', 'quit', 'os._exit'): ended_all[0] = True
    def visit(n, sure):
        if isinstance(n, (ast.FunctionDef, ast.AsyncFunctionDef)): body(n.body, False)
        elif isinstance(n, ast.ClassDef): body(n.body, sure)
        elif isinstance(n, (ast.With, ast.AsyncWith)): body(n.body, sure)
        elif isinstance(n, ast.Try):
            body(n.body, sure)
            for h in n.handlers: body(h.body, False)
            body(n.orelse, sure); body(n.finalbody, sure)
        elif isinstance(n, ast.If):
            t = ast.unparse(n.test)
            if t in ("__name__ == '__main__'", "'__main__' == __name__"): body(n.body, sure)
            elif t in ('True', '1'): body(n.body, sure)
            elif t in ('False', '0', 'None', 'TYPE_CHECKING'): pass
            else: body(n.body, False)
            body(n.orelse, False)
        elif isinstance(n, (ast.For, ast.AsyncFor)):
            body(n.body, sure and ast.unparse(n.iter).startswith('range(')); body(n.orelse, sure)
        elif isinstance(n, ast.While):
            t = ast.unparse(n.test)
            if t not in ('False', '0', 'None', 'TYPE_CHECKING'): body(n.body, sure and t in ('True', '1'))
            body(n.orelse, False)
        elif isinstance(n, ast.Match):
            for c in n.cases: body(c.body, False)
    ended_all = [False]
    body(node.body, sure)
number = 0
for file in files:
    data = open(file, encoding='utf-8', errors='replace').read()
    if '\ufffd' in data or 'coding' in data[:200]: continue
    lines = data.split('\n')
    for attempt in range(6):
        changed = list(lines)
        for k in range(4):
            at = random.randrange(len(changed) + 1)
            follow = changed[at] if at < len(changed) else ''
            indent = follow[:len(follow) - len(follow.lstrip())]
            changed.insert(at, '%sos.environ["NAME_%d"] = "put in %d"' % (indent, k, k))
        text = '\n'.join(changed)
        try: tree = ast.parse(text)
        except (SyntaxError, ValueError): continue
        found = {}
        mark(tree, True, found)
        name = '%s/p%d.py' % (out, number)
        number += 1
        open(name, 'w', encoding='utf-8').write(text)
        print(name, *['%s:%d:%d' % (n, l, s) for n, (l, s) in sorted(found.items())])
        break
)py";

TEST_F(ProgramOracle, StatementsAreThoseOfPython) {
  std::string answer = Ask(kStatements);
  int files = 0;
  int statements = 0;
  for (std::string_view line : SplitLines(answer)) {
    std::vector<std::string_view> words = SplitWords(line);
    ASSERT_FALSE(words.empty());
    std::string file(words[0]);
    std::map<std::string, std::string> expected;
    std::map<std::string, std::string> ours;
    for (size_t i = 1; i < words.size(); ++i) {
      std::vector<std::string> parts = Split(words[i], ':');
      ASSERT_EQ(parts.size(), 3U);
      expected[parts[0]] = parts[1] + (parts[2] == "1" ? " sure" : " unsure");
    }
    Result<ProgramReading> reading = ReadProgramText(ReadFile(file), false);
    ASSERT_TRUE(reading.ok()) << file << ": " << reading.error().message;
    for (const ProgramAction& action : reading->actions) {
      if (action.what != What::kSetVariable || !action.name.starts_with("NAME_")) continue;
      ours[action.name] = std::to_string(action.line) + (action.why_unsure.empty() ? " sure" : " unsure");
    }
    EXPECT_EQ(ours, expected) << ReadFile(file);
    if (HasFailure()) return;
    ++files;
    statements += static_cast<int>(expected.size());
  }
  std::cout << files << " files, " << statements << " statements among the lines put in\n";
  EXPECT_GE(files, 150) << answer.substr(0, 300);
  EXPECT_GE(statements, 200);
}

// --- programs written for the purpose
// -------------------------------------------------------------------------------------------------

const char* NameOf(What what) {
  static constexpr const char* kNames[] = {"import",          "set-variable",    "default-variable",
                                           "unset-variable",  "visible-devices", "memory-growth",
                                           "logical-devices", "session-devices", "device",
                                           "starts-devices",  "eager",           "jit"};
  return kNames[static_cast<size_t>(what)];
}

// "set-variable A -1 unsure after": what is said of an action, as far as `wanted` speaks of it.
std::string Words(const ProgramAction& action, const std::string& wanted) {
  std::string text = std::string(NameOf(action.what)) + " " + (action.any_name ? "?" : action.name);
  bool has_value = action.what != What::kImport && action.what != What::kUnsetVariable &&
                   action.what != What::kStartsDevices && action.what != What::kLogicalDevices;
  if (has_value) text += " " + action.value.value_or("?");
  if (wanted.find("trains=") != std::string::npos)
    text += !action.trains ? " trains=?" : *action.trains ? " trains=yes" : " trains=no";
  if (!action.why_unsure.empty()) text += " unsure";
  static constexpr const char* kPhases[] = {" before", " after", " started", " perhaps", " ?"};
  for (const char* phase : {" before", " after", " started", " perhaps"}) {
    if (wanted.ends_with(phase)) return text + kPhases[static_cast<size_t>(action.phase)];
  }
  return text;
}

void AddExpected(std::string_view line, const std::string& where,
                 std::vector<std::pair<std::string, std::string>>& expected) {
  size_t at = line.find("#= ");
  if (at == std::string_view::npos) return;
  std::string rest(Trim(line.substr(at + 3)));
  while (!rest.empty()) {
    size_t end = rest.find(" ;; ");
    std::string one = rest.substr(0, end);
    rest = end == std::string::npos ? "" : rest.substr(end + 4);
    size_t colon = one.find(": ");
    bool elsewhere = one.starts_with("line ") && colon != std::string::npos;
    expected.emplace_back(elsewhere ? one.substr(0, colon) : where, elsewhere ? one.substr(colon + 2) : one);
  }
}

TEST(Programs, SayWhatIsWrittenBesideTheirLines) {
  int programs = 0;
  for (const auto& entry : fs::directory_iterator(fs::path(TFDOCTOR_SOURCE_DIR) / "tests/programs")) {
    SCOPED_TRACE(entry.path().filename());
    std::string bytes = ReadFile(entry.path());
    bool notebook = entry.path().extension() == ".ipynb";
    std::vector<std::pair<std::string, std::string>> expected;
    if (notebook) {
      auto json = nlohmann::json::parse(bytes);
      size_t number = 0;
      for (const auto& cell : json["cells"]) {
        if (cell["cell_type"] != "code") continue;
        ++number;
        size_t line = 0;
        if (!cell["source"].is_array()) continue;
        for (const auto& text : cell["source"]) {
          AddExpected(text.get<std::string>(), fmt::format("cell {}, line {}", number, ++line), expected);
        }
      }
      for (const auto& text : json["metadata"]["expect"]) {
        std::string one = text.get<std::string>();
        expected.emplace_back(one.substr(0, one.find(": ")), one.substr(one.find(": ") + 2));
      }
    } else {
      size_t line = 0;
      for (std::string_view text : SplitLines(bytes))
        AddExpected(text, "line " + std::to_string(++line), expected);
    }
    Result<ProgramReading> reading = ReadProgramText(bytes, notebook);
    ASSERT_TRUE(reading.ok()) << reading.error().message;
    std::vector<std::string> wanted;
    std::vector<std::string> found;
    for (const auto& [where, text] : expected) wanted.push_back(where + ": " + text);
    for (const ProgramAction& action : reading->actions) {
      // Compared in as much detail as the annotation has; one that nobody annotated is compared as it is.
      std::string best = action.where + ": " + Words(action, "");
      for (const auto& [where, text] : expected) {
        if (where == action.where && where + ": " + Words(action, text) == where + ": " + text)
          best = where + ": " + text;
      }
      found.push_back(best);
    }
    std::sort(wanted.begin(), wanted.end());
    std::sort(found.begin(), found.end());
    EXPECT_EQ(found, wanted);
    ++programs;
  }
  EXPECT_GE(programs, 40);
}

// --- modules beside the program
// -----------------------------------------------------------------------------------------------------

// Python runs each program with a TensorFlow that prints who calls it; what the reader holds reached is just
// that.
TEST_F(ProgramOracle, OwnModulesRunAsPythonRunsThem) {
  const auto write = [&](const std::string& file, const std::string& text) {
    fs::create_directories((root_ / file).parent_path());
    std::ofstream(root_ / file) << text;
  };
  const std::string hides = "tf.config.set_visible_devices([], 'GPU')\n";
  write("stub/tensorflow.py",
        "import inspect, os, types\n"
        "def _say(*_):\n"
        "    caller = inspect.stack()[1]\n"
        "    print(os.path.basename(caller.filename) + ' line ' + str(caller.lineno))\n"
        "config = types.SimpleNamespace(set_visible_devices=_say)\n");
  write("p/first.py", "import tensorflow as tf\n" + hides);
  write("p/both.py", "raise SystemExit('the package is first')\n");
  write("p/both/__init__.py", "import tensorflow as tf\nfrom . import inner\n" + hides);
  write("p/both/inner.py",
        "from .deep.er import tf as net\nnet.config." + hides.substr(hides.find("set_")) + "import first\n");
  write("p/both/deep/__init__.py", "from first import *\n" + hides);
  write("p/both/deep/er.py", "from ..side import config, tf\nconfig." + hides.substr(hides.find("set_")));
  write("p/both/side.py", "from tensorflow import config\nimport tensorflow as tf\n" + hides);
  write("p/circle.py", "import round_about\nimport tensorflow as tf\n" + hides);
  write("p/round_about.py", "import circle\nimport tensorflow as tf\n" + hides);
  write("p/guarded.py", "import tensorflow as tf\nif __name__ == '__main__':\n    " + hides +
                            "def never_called():\n    " + hides + hides);
  write("p/time.py", "raise SystemExit('Python has its own')\n");
  write("p/space/of_names.py", "import tensorflow as tf\n" + hides);
  write("p/main.py",
        "import time, sys\nfrom both import inner as i\nimport circle, guarded\nimport space.of_names\n"
        "try:\n    import missing_one\nexcept ImportError:\n    pass\n"
        "if __name__ == '__main__':\n    import tensorflow as tf\n    " +
            hides);
  fs::create_symlink(root_ / "p/main.py", root_ / "linked.py");
  const std::unique_ptr<System> system = LiveSystem();
  for (const char* program : {"p/main.py", "linked.py", "p/circle.py", "p/guarded.py", "p/first.py"}) {
    const std::string path = (root_ / program).string();
    const std::string said = OutputOf("PYTHONDONTWRITEBYTECODE=1 PYTHONPATH=" + (root_ / "stub").string() +
                                      " /usr/bin/python3 " + path);
    Result<ProgramReading> reading = ReadProgram(*system, path, true);
    ASSERT_TRUE(reading.ok()) << reading.error().message;
    std::string found;
    for (const ProgramAction& action : reading->actions) {
      if (action.what == What::kVisibleDevices && action.why_unsure.empty())
        found += fs::path(action.file.empty() ? path : action.file).filename().string() + " " + action.where +
                 "\n";
    }
    EXPECT_EQ(found, said) << program;
    EXPECT_NE(said.find("line "), std::string::npos) << said;
    reading = ReadProgram(*system, path, false);
    ASSERT_TRUE(reading.ok());
    for (const ProgramAction& action : reading->actions) EXPECT_EQ(action.file, "");
  }
}

TEST(Programs, FunctionsOfModulesAreFollowed) {
  const auto read = [](const std::string& text, const std::map<std::string, std::string>& modules) {
    Result<ProgramReading> reading =
        ReadProgramText(text, false, [&](const std::string& name) -> Result<OwnModule> {
          const auto found = modules.find(name);
          if (found == modules.end()) return Error{ErrorKind::kNotFound, "none"};
          if (found->second == "denied") return Error{ErrorKind::kDenied, "no permission"};
          return OwnModule{"/p/" + name + ".py", found->second};
        });
    EXPECT_TRUE(reading.ok());
    std::vector<std::string> lines;
    for (const ProgramAction& action : reading->actions) {
      if (action.what != What::kVisibleDevices) continue;
      const bool perhaps = action.phase == ProgramAction::Phase::kPerhapsAfterStart;
      lines.push_back(action.file + " " + action.where + " " + action.why_unsure +
                      (perhaps ? action.why_phase_unsure : ""));
    }
    return lines;
  };
  using Lines = std::vector<std::string>;
  const std::string import = "import tensorflow as tf\n",
                    hides = "tf.config.set_visible_devices([], 'GPU')\n";
  const std::map<std::string, std::string> modules = {
      {"gpu", import + "def hide():\n    " + hides +
                  "def start():\n    tf.constant(1)\ndef again():\n    start()\n"},
      {"locked", "denied"},
      {"broken", "x = (\n"}};
  // Only what is called: nobody uses all that a module offers.
  EXPECT_EQ(read("import gpu\n", modules), Lines());
  EXPECT_EQ(read("import gpu\ngpu.hide()\n", modules),
            Lines({"/p/gpu.py line 3 it stands in the function hide()"}));
  EXPECT_EQ(read("from gpu import hide as h\nh()\n", modules),
            Lines({"/p/gpu.py line 3 it stands in the function hide()"}));
  // A function that starts the devices, through another one.
  const std::string late = "again() (line 3) calls tensorflow.constant() (gpu.py line 5)";
  EXPECT_EQ(read("from gpu import again\nimport tensorflow as tf\nagain()\n" + hides, modules),
            Lines({" line 4 gpu." + late}));
  EXPECT_EQ(read("from gpu import *\n\nagain()\n" + hides, modules), Lines({" line 4 gpu." + late}));
  // What cannot be read may do anything.
  EXPECT_EQ(read(import + "import locked\n" + hides, modules),
            Lines({" line 3 what import locked (line 2) does is not known: no permission"}));
  EXPECT_EQ(read(import + "import broken\n" + hides, modules),
            Lines({" line 3 what import broken (line 2) does is not known: line 1: '(' was never closed"}));
  // A chain of a thousand ends.
  std::map<std::string, std::string> many;
  for (int i = 0; i < 1000; i++) many["m" + std::to_string(i)] = "import m" + std::to_string(i + 1) + "\n";
  EXPECT_EQ(read("import m0\n" + import + hides, many), Lines({" line 3 "}));
}

// --- what is no program
// ------------------------------------------------------------------------------------------------------

TEST(Programs, WhatIsNoPythonIsSaid) {
  auto why = [](const std::string& bytes, bool notebook = false) {
    Result<ProgramReading> reading = ReadProgramText(bytes, notebook);
    return reading.ok() ? "read" : reading.error().message;
  };
  EXPECT_EQ(why("x = (1\n"), "Python would not run it: line 1: '(' was never closed");
  EXPECT_EQ(why("x = 1)\n"), "Python would not run it: line 1: unmatched ')'");
  EXPECT_EQ(why("if x:\n    y\n  z\n"),
            "Python would not run it: line 3: unindent does not match any outer indentation level");
  EXPECT_EQ(why("if x:\n        y\n\tz\n"),
            "Python would not run it: line 3: inconsistent use of tabs and spaces in indentation");
  EXPECT_EQ(why("x = '''\n"), "Python would not run it: line 1: a string without an end");
  EXPECT_EQ(why("cost = $5\n"), "Python would not run it: line 1: '$' does not belong there");
  EXPECT_EQ(why("\n<!DOCTYPE html>\n<html>"), "Python would not run it: it is a web page (HTML)");
  EXPECT_EQ(why("<div>text</div>\n"), "Python would not run it: line 1: \"<\" cannot stand there");
  EXPECT_EQ(why("#!/bin/bash\nset -e\nexport A=1\n"),
            "Python would not run it: line 3: \"A\" cannot stand there");
  EXPECT_EQ(why("pip install x\necho $A\n"),
            "Python would not run it: line 1: \"install\" cannot stand there");
  EXPECT_EQ(why("print \"x\"\n"),
            "Python would not run it: line 1: \"print\" is a statement in Python 2 only");
  EXPECT_EQ(why("x = 1\nexec x\n"),
            "Python would not run it: line 2: \"exec\" is a statement in Python 2 only");
  EXPECT_EQ(why("raise E, 'x'\n"), "Python would not run it: line 1: it is Python 2");
  EXPECT_EQ(why("try: x\nexcept E, e: y\n"), "Python would not run it: line 2: it is Python 2");
  EXPECT_EQ(why("x = 0777\n"), "Python would not run it: line 1: it is Python 2");
  EXPECT_EQ(why("x = 7L\n"), "Python would not run it: line 1: it is Python 2");
  EXPECT_EQ(why("if x <> 1: y\n"), "Python would not run it: line 1: it is Python 2");
  EXPECT_EQ(why("if x\n    y\n"), "Python would not run it: line 1: expected ':' after if");
  EXPECT_EQ(why("if x:\ny\n"), "Python would not run it: line 2: expected an indented block");
  EXPECT_EQ(why("x\n  y\n"), "Python would not run it: line 2: unexpected indent");
  EXPECT_EQ(why("x = (1 +)\n"), "Python would not run it: line 1: \")\" cannot stand there");
  EXPECT_EQ(why("(x;)\n"), "Python would not run it: line 1: \")\" cannot stand there");
  EXPECT_EQ(why("import os sys\n"), "Python would not run it: line 1: \"sys\" cannot stand there");
  EXPECT_EQ(why(std::string("\x7f"
                            "ELF\0\1",
                            6)),
            "it has null bytes in it, so it is no Python");
  EXPECT_EQ(why("\xFF\xFEi\0"), "it is UTF-16, which Python does not run");
  EXPECT_EQ(why("x = '\xE9'\n"), "it is not UTF-8 and names no other encoding");
  EXPECT_EQ(why("# coding: shift_jis\nx = 1\n"), "its encoding, shift_jis, is not understood");
  EXPECT_EQ(why("# coding: utf-8\nx = '\xC3\xA9'\n"), "read");
  EXPECT_EQ(why("not JSON", true), "it is no notebook: not JSON");
  EXPECT_EQ(why("[]", true), "it is no notebook: not JSON");
  EXPECT_EQ(why("{}", true), "it is no notebook: it has no cells");
  EXPECT_EQ(why(R"({"cells": [1, {}, {"cell_type": "code"}, {"cell_type": 5, "source": 7}]})", true), "read");
  EXPECT_EQ(why(std::string(100'000, '['), true), "it is no notebook: not JSON");
  EXPECT_EQ(why(""), "read");
  EXPECT_EQ(why(R"({"cells": [], "metadata": {"kernelspec": {"language": "R"}}})", true),
            "it is a notebook of R, not of Python 3");
  EXPECT_EQ(
      why(R"({"cells": [], "metadata": {"language_info": {"name": "python", "version": "2.7.1"}}})", true),
      "it is a notebook of Python 2.7.1, not of Python 3");
  EXPECT_EQ(why(R"({"cells": [], "metadata": 7})", true), "read");
}

TEST(Programs, DeepAndLongOnesEnd) {
  std::string deep;
  for (int i = 0; i < 20'000; ++i) deep += "if x: ";
  EXPECT_TRUE(ReadProgramText(deep + "y\n", false).ok());
  EXPECT_FALSE(ReadProgramText(std::string(1000, '(') + "\n", false).ok());
  std::string fields;
  for (int i = 0; i < 1000; ++i) fields += "f'{";
  EXPECT_FALSE(ReadProgramText(fields, false).ok());
  std::string sum = "x = 'a'";
  for (int i = 0; i < 100'000; ++i) sum += " + 'a'";
  EXPECT_TRUE(ReadProgramText(sum + "\n", false).ok());
  std::string doubled = "a0 = 'a'\n";
  for (int i = 0; i < 60; ++i) doubled += fmt::format("a{} = a{} + f'{{a{}}}'\n", i + 1, i, i);
  EXPECT_TRUE(ReadProgramText(doubled, false).ok());
  std::string many;
  for (int i = 0; i < 5000; ++i) many += "os.environ['A'] = '1'\n";
  Result<ProgramReading> reading = ReadProgramText(many, false);
  ASSERT_TRUE(reading.ok());
  EXPECT_EQ(reading->actions.size(), 2000U);
}

}  // namespace
}  // namespace tfdoctor
