#include "python/program.h"

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <span>
#include <unordered_map>

#include "base/text.h"
#include "python/device_start.h"
#include "python/grammar.h"
#include "python/path.h"
#include "python/tokenizer.h"

namespace tfdoctor {
namespace {

constexpr size_t kProgramLimit = 16 << 20;
constexpr size_t kMaxActions = 2000;
constexpr size_t kMaxShownText = 160;
constexpr size_t kMaxBlocks = 200;
constexpr size_t kMaxValue = 65536;  // of a text that is put together
constexpr size_t kMaxModules = 100;

using Token = PythonToken;
using Kind = PythonToken::Kind;
using What = ProgramAction::What;
using Phase = ProgramAction::Phase;

bool Opens(const Token& token) {
  return token.kind == Kind::kOperator && token.text.size() == 1 &&
         (token.text[0] == '(' || token.text[0] == '[' || token.text[0] == '{');
}
bool Closes(const Token& token) {
  return token.kind == Kind::kOperator && token.text.size() == 1 &&
         (token.text[0] == ')' || token.text[0] == ']' || token.text[0] == '}');
}

// Index behind the bracket that closes the one at `open`, or the end.
size_t BehindBracket(Tokens tokens, size_t open) {
  int depth = 0;
  for (size_t i = open; i < tokens.size(); ++i) {
    if (Opens(tokens[i])) ++depth;
    if (Closes(tokens[i]) && --depth == 0) return i + 1;
  }
  return tokens.size();
}

// What stands between the bracket at `open` and the one that closes it.
Tokens Inside(Tokens tokens, size_t open) {
  size_t end = BehindBracket(tokens, open);
  return end < open + 2 ? Tokens() : tokens.subspan(open + 1, end - open - 2);
}

// The parts between commas at the outermost level.
std::vector<Tokens> SplitArguments(Tokens tokens) {
  std::vector<Tokens> parts;
  size_t begin = 0;
  for (size_t i = 0; i <= tokens.size(); ++i) {
    if (i == tokens.size() || IsOperator(tokens[i], ",")) {
      if (i > begin) parts.push_back(tokens.subspan(begin, i - begin));
      begin = i + 1;
    } else if (Opens(tokens[i])) {
      i = BehindBracket(tokens, i) - 1;
    }
  }
  return parts;
}

// Modules that import TensorFlow themselves when they are imported.
bool BringsTensorFlow(std::string_view module) {
  static const std::set<std::string, std::less<>> kModules = {
      "tensorflow",      "tf_keras",          "keras",     "tensorflow_hub", "tensorflow_probability",
      "tensorflow_text", "tensorflow_addons", "tf_agents", "tensorflow_io"};
  return kModules.contains(std::string(module.substr(0, module.find('.'))));
}

bool IsFramework(std::string_view module) {
  return IsOneOf(module.substr(0, module.find('.')),
                 {"tensorflow", "keras", "tf_keras", "torch", "jax", "cupy", "mxnet", "paddle", "cudf",
                  "onnxruntime", "tensorrt", "fastai", "pytorch_lightning", "numba"});
}

// When TensorFlow, Keras or the driver reads a variable, the first time that counts. Source: KERAS_BACKEND in
// keras/src/backend/config.py, TF_USE_LEGACY_KERAS in TensorFlow's __init__.py; the driver reads its own in
// cuInit(); TensorFlow the others when it creates its devices.
enum class ReadFirst { kImport, kDriver, kDevices };
ReadFirst WhenRead(std::string_view variable) {
  if (IsOneOf(variable, {"KERAS_BACKEND", "KERAS_HOME", "TF_USE_LEGACY_KERAS"})) return ReadFirst::kImport;
  return variable.starts_with("CUDA_") ? ReadFirst::kDriver : ReadFirst::kDevices;
}

// Why Python 3 would refuse it; nothing: it would not, as far as can be told.
std::optional<Error> Refused(PythonTokens& read) {
  if (!read.error) return RefusedByPython(read.tokens);
  // What stands before may be refused first; its last line is not complete.
  std::vector<Token> complete = read.tokens;
  while (!complete.empty() && (complete.back().kind != Kind::kNewline || complete.back().text.empty()))
    complete.pop_back();
  std::optional<Error> before = RefusedByPython(complete);
  return before ? before : read.error;
}

// What may start the devices, or ask the driver: the words of it; empty: nothing.
struct Started {
  std::string by;
  bool driver_only = false;
};

// What the body of a function or class does when it is called.
struct OwnCode {
  std::optional<Started> starts;
  std::set<std::string, std::less<>> calls;  // others of this program
};

// What the texts of a program share: its own file and the modules that it imports from beside it. Functions
// and classes of a module are named with it, "helper.setup".
struct Whole {
  Whole(ProgramReading& reading, const FindOwnModule& find_module) : out(reading), find(find_module) {}
  ProgramReading& out;
  const FindOwnModule& find;
  std::set<std::string, std::less<>> modules;          // that were looked for
  std::unordered_map<std::string, std::string> names;  // "helper.tf" -> "tensorflow"
  std::set<std::string, std::less<>> functions;        // and classes, of modules
  std::set<std::string, std::less<>> called;           // what is called or imported, without its module
  std::unordered_map<std::string, OwnCode> own;
  size_t bytes = 0;
  bool imported = false;             // TensorFlow was
  bool started = false;              // TensorFlow's devices are there
  bool driver_asked = false;         // cuInit() was called
  std::string perhaps_started;       // what may have created them; empty: nothing
  std::string perhaps_driver_asked;  // what may have asked the driver
  bool perhaps_graph_mode = false;   // a line that switches eager execution off may be reached
  bool symbolic = false;             // inputs of a network were made
};

class Reader {
 public:
  // `module`: its name; empty: the program itself.
  explicit Reader(Whole& whole, std::string module = "") : whole_(whole), module_(std::move(module)) {}

  // `where` names a line: a notebook's cells count for themselves.
  void Read(std::string_view source, const std::vector<Token>& tokens, const std::string& cell,
            uint32_t lines_before) {
    lines_.clear();
    for (size_t begin = 0; begin <= source.size();) {
      const size_t end = std::min(source.find('\n', begin), source.size());
      lines_.push_back(source.substr(begin, end - begin));
      begin = end + 1;
    }
    cell_ = cell;
    lines_before_ = lines_before;
    FindConstants(tokens);
    blocks_ = {top_};
    size_t begin_statement = 0;
    bool opens_block = false;
    for (size_t i = 0; i < tokens.size(); ++i) {
      if (tokens[i].kind == Kind::kIndent) {
        if (!opens_block) pending_ = blocks_.back();  // cannot be: an indentation without a header
        blocks_.push_back(pending_);
        opens_block = false;
        begin_statement = i + 1;
      } else if (tokens[i].kind == Kind::kDedent) {
        if (blocks_.size() > 1) CloseBlock();
        begin_statement = i + 1;
      } else if (tokens[i].kind == Kind::kNewline || tokens[i].kind == Kind::kEnd) {
        Tokens line = Tokens(tokens).subspan(begin_statement, i - begin_statement);
        if (!line.empty()) opens_block = LogicalLine(line);
        begin_statement = i + 1;
      }
    }
    while (blocks_.size() > 1) CloseBlock();
  }

 private:
  struct Block {
    std::string keyword;     // of its header
    std::string why_unsure;  // empty: reached whenever the program runs
    bool dead = false;       // never reached
    bool deferred = false;   // in a function: runs some time later, or never
    std::string loop_variable;
    bool over_gpus = false;               // of the loop
    std::optional<size_t> device_action;  // of `with tf.device(…)`: index of its action
    bool trains = false;                  // something in it trains the network
    bool calls_own_function = false;      // what that does is not looked into
    std::vector<std::string> of;          // the functions and classes that its statements belong to
    bool graph = false;                   // of `with graph.as_default()`: nothing runs there
  };

  // --- own modules
  // --------------------------------------------------------------------------------------------------

  std::string Qualified(const std::string& name) const {
    return module_.empty() ? name : module_ + "." + name;
  }

  // The name that a function or class of this program has in all its texts; empty: it is none.
  std::string OwnName(const std::string& name) const {
    const std::string local = name.starts_with("self.") ? name.substr(5) : name;
    if (functions_.contains(local) || (local == name && classes_.contains(local))) return Qualified(local);
    return whole_.functions.contains(name) ? name : "";
  }

  // "..b" in a.c.d -> "a.b"; empty: it leads out of the package.
  std::string Absolute(const std::string& module) const {
    const size_t dots = std::min(module.find_first_not_of('.'), module.size());
    if (dots == 0) return module;
    std::string package = package_;
    for (size_t i = 1; i < dots && !package.empty(); ++i)
      package = package.substr(0, package.find('.') == std::string::npos ? 0 : package.rfind('.'));
    const std::string rest = module.substr(dots);
    return package.empty() || rest.empty() ? package : package + "." + rest;
  }

  // What an import runs: `a`, then `a.b`.
  void RunOwn(const Token& at, const std::string& module) {
    // They are there before the program is.
    const std::string first = module.substr(0, module.find('.'));
    if (first.empty() || BringsTensorFlow(first) || IsFramework(first) ||
        IsOneOf(first, {"os", "sys", "io", "abc", "site", "stat", "time", "codecs", "builtins", "importlib"}))
      return;
    for (size_t dot = module.find('.');; dot = module.find('.', dot + 1)) {
      RunOne(at, module.substr(0, dot));
      if (dot == std::string::npos) return;
    }
  }

  void RunOne(const Token& at, const std::string& name) {
    if (!whole_.find || whole_.modules.size() >= kMaxModules || !whole_.modules.insert(name).second) return;
    Result<OwnModule> found = whole_.find(name);
    if (found.not_found()) return;
    Result<std::string> source = found ? DecodePython(found->bytes) : found.error();
    std::optional<Error> refused;
    PythonTokens tokens;
    if (source) {
      whole_.bytes += source->size();
      tokens = TokenizePython(*source);
      refused = Refused(tokens);
    } else {
      refused = source.error();
    }
    if (!refused && whole_.bytes > kProgramLimit)
      refused = Error{ErrorKind::kTooLarge, "there is too much to read"};
    if (refused) {
      if (!blocks_.back().deferred)
        Perhaps({name, false}, "what import " + name + " (" + cell_ + "line " + std::to_string(at.line) +
                                   ") does is not known: " + refused->message);
      return;
    }
    Reader inner(whole_, name);
    inner.file_ = found->file;
    inner.package_ = BaseName(found->file) == "__init__.py" ? name
                     : name.find('.') == std::string::npos  ? std::string()
                                                            : name.substr(0, name.rfind('.'));
    inner.imported_by_ = file_.empty() ? lines_before_ + at.line : imported_by_;
    inner.top_.why_unsure = blocks_.back().why_unsure.empty() ? own_unsure_ : blocks_.back().why_unsure;
    inner.top_.deferred = blocks_.back().deferred;
    inner.Read(*source, tokens.tokens, BaseName(found->file) + " ", 0);
    for (const auto& [alias, meant] : inner.aliases_) whole_.names[inner.Qualified(alias)] = meant;
  }

  // from helper import *
  void TakeAll(const std::string& module) {
    const std::string prefix = module + ".";
    const auto local = [&](const std::string& name) {
      return name.starts_with(prefix) && name.find('.', prefix.size()) == std::string::npos
                 ? name.substr(prefix.size())
                 : std::string();
    };
    for (const auto& [name, meant] : whole_.names) {
      if (const std::string alias = local(name); !alias.empty()) aliases_[alias] = meant;
    }
    for (const std::string& name : whole_.functions) {
      if (const std::string alias = local(name); !alias.empty()) aliases_[alias] = name;
    }
  }

  // --- names
  // --------------------------------------------------------------------------------------------------------

  // Names that are bound once in the whole text, to a literal.
  void FindConstants(const std::vector<Token>& tokens) {
    // In the order of the text, so that a value may name a constant before it.
    struct Binding {
      std::string_view name;
      int count = 0;
      std::optional<Tokens> value;
    };
    std::vector<Binding> bindings;
    std::unordered_map<std::string_view, size_t> places;
    auto binding = [&](std::string_view name) -> Binding& {
      const auto [place, first] = places.emplace(name, bindings.size());
      if (first) bindings.push_back({name, 0, std::nullopt});
      return bindings[place->second];
    };
    bool parameters = false;
    int depth = 0;
    int parameters_depth = 0;
    for (size_t i = 0; i + 1 < tokens.size(); ++i) {
      const Token& token = tokens[i];
      if (token.kind == Kind::kOperator) {
        if (Opens(token)) ++depth;
        if (Closes(token)) {
          --depth;
          if (parameters && depth < parameters_depth) parameters = false;
        }
        continue;
      }
      if (token.kind != Kind::kName) continue;
      if (token.text == "def" || token.text == "lambda") {
        parameters = true;
        parameters_depth = depth + (token.text == "def" ? 1 : 0);
        if (token.text == "def") functions_.emplace(tokens[i + 1].text);
      }
      if (token.text == "class") classes_.emplace(tokens[i + 1].text);
      if (!module_.empty() && (token.text == "def" || token.text == "class"))
        whole_.functions.insert(Qualified(std::string(tokens[i + 1].text)));
      const std::string_view next =
          tokens[i + 1].kind == Kind::kOperator ? tokens[i + 1].text : std::string_view();
      const bool assigned = next.size() == 1 && next[0] == '=';
      if (parameters && depth <= parameters_depth && next.size() == 1 && next[0] == ':') parameters = false;
      bool attribute = i > 0 && IsOperator(tokens[i - 1], ".");
      if (attribute) continue;
      bool keyword_argument = depth > 0 && assigned && !parameters;
      if (keyword_argument) continue;
      bool bound = assigned ||
                   (next.size() > 1 && next.back() == '=' && !IsOneOf(next, {"==", "!=", "<=", ">="})) ||
                   (next.size() == 1 && next[0] == ',' && depth == 0);
      bool after =
          i > 0 && tokens[i - 1].kind == Kind::kName &&
          IsOneOf(tokens[i - 1].text, {"for", "as", "def", "class", "global", "nonlocal", "del", "import"});
      bool simple = depth == 0 && assigned && !parameters &&
                    (i == 0 || tokens[i - 1].kind == Kind::kNewline || tokens[i - 1].kind == Kind::kIndent ||
                     tokens[i - 1].kind == Kind::kDedent);
      if (bound || after || parameters) binding(token.text).count += simple ? 1 : 2;
      if (simple) {
        size_t end = i + 2;
        while (end < tokens.size() && tokens[end].kind != Kind::kNewline && tokens[end].kind != Kind::kEnd)
          ++end;
        binding(token.text).value = Tokens(tokens).subspan(i + 2, end - i - 2);
      }
    }
    // A notebook's cells share their names.
    for (const Binding& one : bindings) bindings_[std::string(one.name)] += one.count;
    for (const Binding& one : bindings) {
      if (one.count != 1 || !one.value) continue;
      if (std::optional<std::string> text = Literal(*one.value)) constants_[std::string(one.name)] = *text;
    }
  }

  // The value of an expression that is written out: '-1', "0," "1", str(0), NAME, "CUDA_" + "X", f"{NAME}".
  std::optional<std::string> Literal(Tokens tokens, bool bytes = false) const {
    while (tokens.size() >= 2 && IsOperator(tokens.front(), "(") && BehindBracket(tokens, 0) == tokens.size())
      tokens = tokens.subspan(1, tokens.size() - 2);
    if (tokens.empty()) return std::nullopt;
    if (tokens.size() == 4 && IsName(tokens[0], "str") && IsOperator(tokens[1], "(")) {
      if (tokens[2].kind == Kind::kNumber) return std::string(tokens[2].text);
      return Literal(tokens.subspan(2, 1));
    }
    if (tokens.size() == 5 && IsName(tokens[0], "str") && IsOperator(tokens[2], "-") &&
        tokens[3].kind == Kind::kNumber)
      return "-" + std::string(tokens[3].text);
    if (tokens.size() == 1 && tokens[0].kind == Kind::kName) {
      std::string name(tokens[0].text);
      auto constant = constants_.find(name);
      auto bound = bindings_.find(name);
      if (constant == constants_.end() || bound == bindings_.end() || bound->second != 1) return std::nullopt;
      return constant->second;
    }
    std::string value;
    size_t begin = 0;
    for (size_t i = 0; i < tokens.size(); ++i) {
      if (Opens(tokens[i])) i = BehindBracket(tokens, i) - 1;
      if (!IsOperator(tokens[i], "+")) continue;
      std::optional<std::string> part = Literal(tokens.subspan(begin, i - begin), bytes);
      if (!part || value.size() + part->size() > kMaxValue) return std::nullopt;
      value += *part;
      begin = i + 1;
    }
    if (begin > 0) {
      std::optional<std::string> last = Literal(tokens.subspan(begin), bytes);
      if (!last || value.size() + last->size() > kMaxValue) return std::nullopt;
      return value + *last;
    }
    for (const Token& token : tokens) {
      if (token.kind != Kind::kString) return std::nullopt;
      std::optional<std::string> part = bytes ? BytesValue(token.text) : StringValue(token.text);
      if (!part) part = Filled(token.text);
      if (!part) return std::nullopt;
      value += *part;
    }
    return value;
  }

  // b"…" as the text that its bytes are.
  static std::optional<std::string> BytesValue(std::string_view token) {
    const size_t quote = std::min(token.find_first_of("'\""), token.size());
    std::string text(token);
    for (size_t i = quote; i-- > 0;) {
      if (text[i] == 'b' || text[i] == 'B') text.erase(i, 1);
    }
    return text.size() < token.size() ? StringValue(text) : std::nullopt;
  }

  // An f-string whose fields are names of constants: f"{GPU}".
  std::optional<std::string> Filled(std::string_view token) const {
    const size_t quote = token.find_first_of("'\"");
    if (quote == std::string_view::npos || Lower(token.substr(0, quote)) != "f") return std::nullopt;
    std::string text(token);
    for (size_t open = text.find('{'); open != std::string::npos; open = text.find('{', open)) {
      const size_t close = text.find('}', open);
      if (close == std::string::npos) return std::nullopt;
      const std::string name(Trim(std::string_view(text).substr(open + 1, close - open - 1)));
      const auto constant = constants_.find(name);
      const auto bound = bindings_.find(name);
      if (constant == constants_.end() || bound == bindings_.end() || bound->second != 1) return std::nullopt;
      if (constant->second.find_first_of("\\{}'\"\n") != std::string::npos) return std::nullopt;
      if (text.size() + constant->second.size() > kMaxValue) return std::nullopt;
      text.replace(open, close + 1 - open, constant->second);
      open += constant->second.size();
    }
    return StringValue(text);
  }

  // "tf.config.experimental" -> "tensorflow.config.experimental"; moves `at` behind it.
  std::string Dotted(Tokens tokens, size_t& at) const {
    std::string name(tokens[at].text);
    if (auto alias = aliases_.find(name); alias != aliases_.end()) {
      name = alias->second;
    } else if (all_of_tensorflow_ && !bindings_.contains(name) && IsOfTensorFlow(name)) {
      name = "tensorflow." + name;
    }
    ++at;
    while (at + 1 < tokens.size() && IsOperator(tokens[at], ".") && tokens[at + 1].kind == Kind::kName) {
      name += "." + std::string(tokens[at + 1].text);
      at += 2;
    }
    return name;
  }

  // One name for each function, whatever the way to it.
  static std::string Canonical(std::string name) {
    for (std::string_view other :
         {"tensorflow.compat.v2.", "tensorflow.compat.v1.", "tensorflow.python.framework.ops."}) {
      if (name.starts_with(other)) name = "tensorflow." + name.substr(other.size());
    }
    return name;
  }

  static bool IsListOfGpus(Tokens tokens, const Reader& reader) {
    if (tokens.empty() || tokens[0].kind != Kind::kName) return false;
    size_t at = 0;
    std::string name = Canonical(reader.Dotted(tokens, at));
    if (at == tokens.size()) return reader.gpu_lists_.contains(name);
    bool lists = name == "tensorflow.config.list_physical_devices" ||
                 name == "tensorflow.config.experimental.list_physical_devices";
    if (!lists || !IsOperator(tokens[at], "(") || BehindBracket(tokens, at) != tokens.size()) return false;
    std::vector<Tokens> arguments = SplitArguments(Inside(tokens, at));
    return arguments.size() == 1 && reader.Literal(ValueOf(arguments[0])) == "GPU";
  }
  static bool IsListOfCpus(Tokens tokens, const Reader& reader) {
    if (tokens.empty() || tokens[0].kind != Kind::kName) return false;
    size_t at = 0;
    std::string name = Canonical(reader.Dotted(tokens, at));
    if (at == tokens.size()) return reader.cpu_lists_.contains(name);
    bool lists = name == "tensorflow.config.list_physical_devices" ||
                 name == "tensorflow.config.experimental.list_physical_devices";
    if (!lists || !IsOperator(tokens[at], "(") || BehindBracket(tokens, at) != tokens.size()) return false;
    std::vector<Tokens> arguments = SplitArguments(Inside(tokens, at));
    return arguments.size() == 1 && reader.Literal(ValueOf(arguments[0])) == "CPU";
  }

  // "device_type='GPU'" -> "'GPU'"
  static Tokens ValueOf(Tokens argument) {
    bool named = argument.size() > 2 && argument[0].kind == Kind::kName && IsOperator(argument[1], "=");
    return named ? argument.subspan(2) : argument;
  }
  // The argument of this name, else the one at this place.
  static Tokens Argument(const std::vector<Tokens>& arguments, size_t place, std::string_view name) {
    size_t at = 0;
    for (const Tokens& argument : arguments) {
      bool named = argument.size() > 2 && argument[0].kind == Kind::kName && IsOperator(argument[1], "=");
      if (named && argument[0].text == name) return argument.subspan(2);
      if (!named && at++ == place) return argument;
    }
    return {};
  }

  // --- blocks
  // -------------------------------------------------------------------------------------------------------

  void CloseBlock() {
    Block block = std::move(blocks_.back());
    blocks_.pop_back();
    closed_keyword_ = block.keyword;
    if (block.device_action) {
      ProgramAction& action = out_.actions[*block.device_action];
      action.trains = block.trains               ? std::optional<bool>(true)
                      : block.calls_own_function ? std::nullopt
                                                 : std::optional<bool>(false);
    }
    blocks_.back().trains = blocks_.back().trains || block.trains;
    blocks_.back().calls_own_function = blocks_.back().calls_own_function || block.calls_own_function;
  }

  // What stands below is not reached any more.
  void EndProgram() {
    for (Block& block : blocks_) {
      if (block.why_unsure.empty()) block.why_unsure = "the program ends before it";
    }
    ends_program_ = false;
  }

  // Index of the ":" that ends a header; nullopt: no header.
  static std::optional<size_t> HeaderEnd(Tokens line) {
    if (line[0].kind != Kind::kName) return std::nullopt;
    bool keyword = IsOneOf(line[0].text, {"def", "class", "if", "elif", "else", "for", "while", "try",
                                          "except", "finally", "with", "async"});
    bool soft = IsOneOf(line[0].text, {"match", "case"}) && IsOperator(line.back(), ":");
    if (!keyword && !soft) return std::nullopt;
    int lambdas = 0;
    for (size_t i = 0; i < line.size(); ++i) {
      if (Opens(line[i])) {
        i = BehindBracket(line, i) - 1;
      } else if (IsName(line[i], "lambda")) {
        ++lambdas;
      } else if (IsOperator(line[i], ":") && lambdas-- == 0) {
        return i;
      }
    }
    return std::nullopt;
  }

  // True: the next indentation is the body of this line.
  bool LogicalLine(Tokens line) {
    if (line[0].kind == Kind::kMagic) return Magic(line[0]), false;
    std::optional<size_t> colon = HeaderEnd(line);
    if (!colon) {
      closed_keyword_.clear();
      for (size_t begin = 0; begin < line.size();) {
        size_t end = begin;
        while (end < line.size() && !IsOperator(line[end], ";")) ++end;
        if (end > begin) Statement(line.subspan(begin, end - begin), "");
        begin = end + 1;
      }
      return false;
    }
    pending_ = Header(line.first(*colon));
    if (*colon + 1 >= line.size()) return true;
    if (blocks_.size() > kMaxBlocks) return false;
    blocks_.push_back(pending_);  // `if x: y = 1`
    LogicalLine(line.subspan(*colon + 1));
    CloseBlock();
    return false;
  }

  Block Header(Tokens header) {
    Block block = blocks_.back();
    block.device_action = std::nullopt;
    block.trains = block.calls_own_function = false;
    block.loop_variable.clear();
    block.over_gpus = false;
    size_t first = IsName(header[0], "async") && header.size() > 1 ? 1 : 0;
    block.keyword = header[first].text;
    auto unsure = [&](std::string why) {
      if (block.why_unsure.empty()) block.why_unsure = std::move(why);
    };
    std::string_view keyword = header[first].text;
    Tokens rest = header.subspan(first + 1);
    block.graph = blocks_.back().graph;
    if (keyword == "def") {
      // What a class's methods do, its call does of __init__ alone.
      const bool method = blocks_.back().keyword == "class";
      const std::string name = rest.empty() ? "" : std::string(rest[0].text);
      if (method && name != "__init__" && name != "__new__") block.of.clear();
      block.of.push_back(name);
      block.deferred = true;
      unsure(rest.empty() ? "it stands in a function"
                          : "it stands in the function " + std::string(rest[0].text) + "()");
      return block;
    }
    if (keyword == "class" && !rest.empty()) {
      block.of.emplace_back(rest[0].text);
      Bases(rest);
      return block;
    }
    if (keyword == "class" || keyword == "try" || keyword == "finally") return block;
    bool after_try = IsOneOf(closed_keyword_, {"try", "except", "for"});
    if (keyword == "else" && after_try) return block;
    if (keyword == "except") return unsure("it runs only after an error"), block;
    if (keyword == "if" || keyword == "while" || keyword == "elif") {
      Statement(rest, keyword == "elif" ? "it stands in a condition" : "");
      int known = Truth(rest);
      bool once = keyword == "if" || (keyword == "while" && known > 0);
      if (known == 0 && keyword != "elif") block.dead = true;
      if (known != 1 || !once)
        unsure(keyword == "while" ? "it stands in a loop" : "it stands in a condition");
      return block;
    }
    if (keyword == "for") {
      Statement(rest, "");
      auto in = std::find_if(rest.begin(), rest.end(), [](const Token& t) { return IsName(t, "in"); });
      if (in != rest.begin() && in != rest.end()) {
        Tokens over = rest.subspan(static_cast<size_t>(in - rest.begin()) + 1);
        block.loop_variable = rest[0].text;
        block.over_gpus = in - rest.begin() == 1 && IsListOfGpus(over, *this);
        bool runs = block.over_gpus || (!over.empty() && IsName(over[0], "range"));
        if (!runs) unsure("it stands in a loop");
      }
      return block;
    }
    if (keyword == "with") {
      size_t before = out_.actions.size();
      Statement(rest, "");
      for (size_t i = before; i < out_.actions.size(); ++i) {
        if (out_.actions[i].what == What::kDevice) block.device_action = i;
      }
      for (size_t i = 0; i + 1 < rest.size(); ++i) {
        if (IsName(rest[i], "as_default") && IsOperator(rest[i + 1], "(")) block.graph = true;
      }
      return block;
    }
    unsure("it stands in a condition");  // else, match, case
    return block;
  }

  // class Net(tf.keras.Model): what its bases do when one is made.
  void Bases(Tokens rest) {
    if (rest.size() < 2 || !IsOperator(rest[1], "(")) return;
    OwnCode& own = whole_.own[Qualified(std::string(rest[0].text))];
    for (Tokens base : SplitArguments(Inside(rest, 1))) {
      if (base[0].kind != Kind::kName) continue;
      size_t at = 0;
      const std::string name = Canonical(Dotted(base, at));
      if (const std::string of_own = OwnName(name); !of_own.empty()) own.calls.insert(of_own);
      const Wakes wakes = WhatItWakes(name, whole_.symbolic);
      if (wakes != Wakes::kNothing && !own.starts)
        own.starts = Started{name + "()", wakes < Wakes::kPerhapsDevices};
    }
  }

  // 1: holds where the program is run; 0: never; -1: cannot be told.
  int Truth(Tokens condition) const {
    if (condition.size() == 1) {
      if (IsOneOf(condition[0].text, {"True", "1"})) return 1;
      if (IsOneOf(condition[0].text, {"False", "0", "TYPE_CHECKING", "None"})) return 0;
    }
    // if __name__ == "__main__":
    if (condition.size() == 3 && IsOperator(condition[1], "==")) {
      bool name = IsName(condition[0], "__name__") || IsName(condition[2], "__name__");
      const Token& other = IsName(condition[0], "__name__") ? condition[2] : condition[0];
      if (name && other.kind == Kind::kString && StringValue(other.text) == "__main__")
        return module_.empty() ? 1 : 0;
    }
    // if gpus: — with a GPU there, as everything here is judged.
    if (IsListOfGpus(condition, *this)) return 1;
    bool length = condition.size() >= 6 && IsName(condition[0], "len") && IsOperator(condition[1], "(");
    if (length) {
      size_t end = BehindBracket(condition, 1);
      bool positive = end + 2 == condition.size() &&
                      ((IsOperator(condition[end], ">") && condition[end + 1].text == "0") ||
                       (IsOperator(condition[end], ">=") && condition[end + 1].text == "1") ||
                       (IsOperator(condition[end], "!=") && condition[end + 1].text == "0"));
      if (positive && IsListOfGpus(condition.subspan(2, end - 3), *this)) return 1;
    }
    return -1;
  }

  // --- statements
  // ------------------------------------------------------------------------------------------------------

  void Magic(const Token& token) {
    std::vector<std::string_view> words = SplitWords(token.text);
    if (!words.empty() && words[0] == "%dotenv") {
      const bool set = std::find(words.begin(), words.end(), "-o") != words.end();
      AddVariable(set ? What::kSetVariable : What::kDefaultVariable, token.line, std::nullopt);
      return;
    }
    if (words.size() < 2 || (words[0] != "%env" && words[0] != "%set_env")) return;
    std::string_view rest = Trim(token.text.substr(static_cast<size_t>(words[1].data() - token.text.data())));
    size_t split = rest.find_first_of("= ");
    if (split == std::string_view::npos) return;
    ProgramAction& action = Add(What::kSetVariable, token.line, std::string(Trim(rest.substr(0, split))));
    std::string value(Trim(rest.substr(split + 1)));
    // IPython fills in {name} and $name.
    if (value.find_first_of("{$") == std::string::npos) action.value = value;
  }

  void Statement(Tokens statement, const std::string& why_unsure) {
    if (statement.empty() || blocks_.back().dead) return;
    own_unsure_ = why_unsure;
    if (statement[0].kind == Kind::kName) {
      if (statement[0].text == "import") return Import(statement.subspan(1));
      if (statement[0].text == "from") return FromImport(statement);
      if (statement[0].text == "del") return Delete(statement.subspan(1));
      if (statement[0].text == "return" || statement[0].text == "raise") {
        if (blocks_.back().why_unsure.empty()) ends_program_ = true;
      }
    }
    // What a part of the line decides may be left out.
    lambda_ = nullptr;
    for (size_t i = 0; i < statement.size(); ++i) {
      const Token& token = statement[i];
      if (lambda_ == nullptr && IsName(token, "lambda")) lambda_ = token.text.data();
      if (token.kind == Kind::kName && IsOneOf(token.text, {"if", "and", "or", "lambda"}) &&
          own_unsure_.empty())
        own_unsure_ = token.text == "lambda" ? "it stands in a function" : "it stands in a condition";
    }
    Loop comprehension = FindComprehension(statement);
    for (size_t i = 0; i < statement.size();) {
      const Token& token = statement[i];
      bool starts = token.kind == Kind::kName && (i == 0 || !IsOperator(statement[i - 1], "."));
      if (!starts) {
        if (token.kind == Kind::kName && i + 1 < statement.size() && IsOperator(statement[i + 1], "("))
          Method(token.text);
        ++i;
        continue;
      }
      size_t at = i;
      std::string name = Canonical(Dotted(statement, at));
      if (at < statement.size() && IsOperator(statement[at], "(")) {
        Call(token, name, SplitArguments(Inside(statement, at)), comprehension);
      } else if (at < statement.size() && IsOneOf(name, {"os.environ", "os.environb"})) {
        Environ(statement, i, at, name == "os.environb");
      } else if (at < statement.size() && name.ends_with(".device_count")) {
        DeviceCount(statement, i, at);
      } else if (at < statement.size() && IsOperator(statement[at], "=")) {
        Assign(token, name, statement.subspan(at + 1), at == 1 && i == 0);
      }
      i = at;
    }
    if (ends_program_) EndProgram();
  }

  struct Loop {
    std::string variable;
    bool over_gpus = false;
  };
  Loop FindComprehension(Tokens statement) const {
    for (size_t i = 1; i + 3 < statement.size(); ++i) {
      if (!IsName(statement[i], "for") || !IsName(statement[i + 2], "in")) continue;
      size_t end = i + 3;
      while (end < statement.size() && !IsOneOf(statement[end].text, {"]", ")", "}", "if", "for"})) {
        end = IsOperator(statement[end], "(") ? BehindBracket(statement, end) : end + 1;
      }
      return {std::string(statement[i + 1].text), IsListOfGpus(statement.subspan(i + 3, end - i - 3), *this)};
    }
    return {};
  }

  ProgramAction& Add(What what, uint32_t line, std::string name) {
    static thread_local ProgramAction overflow;
    if (out_.actions.size() >= kMaxActions) return overflow = {};
    ProgramAction action;
    action.what = what;
    action.name = std::move(name);
    action.file = file_;
    action.line = file_.empty() ? lines_before_ + line : imported_by_;
    action.where = (file_.empty() ? cell_ : "") + "line " + std::to_string(line);
    if (blocks_.back().deferred && !blocks_.back().of.empty()) action.function = blocks_.back().of.front();
    if (line >= 1 && line <= lines_.size()) action.text = Trim(lines_[line - 1]).substr(0, kMaxShownText);
    action.why_unsure = blocks_.back().why_unsure.empty() ? own_unsure_ : blocks_.back().why_unsure;
    SetPhase(action);
    out_.actions.push_back(std::move(action));
    return out_.actions.back();
  }

  void SetPhase(ProgramAction& action) const {
    action.phase = whole_.imported ? Phase::kAfterImport : Phase::kBeforeImport;
    if (blocks_.back().deferred) {
      action.phase = Phase::kUnknown;
      return;
    }
    const bool setting = action.what == What::kVisibleDevices || action.what == What::kMemoryGrowth ||
                         action.what == What::kLogicalDevices;
    const bool variable = action.what == What::kSetVariable || action.what == What::kDefaultVariable ||
                          action.what == What::kUnsetVariable;
    const ReadFirst read = variable ? WhenRead(action.name) : ReadFirst::kDevices;
    if (whole_.started || (read == ReadFirst::kDriver && whole_.driver_asked)) {
      action.phase = Phase::kAfterStart;
      return;
    }
    const std::string& perhaps =
        read == ReadFirst::kDriver ? whole_.perhaps_driver_asked : whole_.perhaps_started;
    if ((!setting && !variable) || read == ReadFirst::kImport || perhaps.empty()) return;
    action.phase = Phase::kPerhapsAfterStart;
    action.why_phase_unsure = perhaps;
  }

  bool Sure() const { return blocks_.back().why_unsure.empty() && own_unsure_.empty(); }

  void ImportedModule(const Token& at, const std::string& module) {
    if (IsFramework(module)) Add(What::kImport, at.line, module.substr(0, module.find('.')));
    if (BringsTensorFlow(module) && Sure()) whole_.imported = true;
    RunOwn(at, module);
  }

  // import a, b.c as d
  void Import(Tokens rest) {
    for (Tokens part : SplitArguments(rest)) {
      std::string module;
      size_t i = 0;
      for (; i < part.size() && !IsName(part[i], "as"); ++i) module += part[i].text;
      bool renamed = i + 1 < part.size();
      std::string first = module.substr(0, module.find('.'));
      aliases_[renamed ? std::string(part[i + 1].text) : first] = renamed ? module : first;
      ImportedModule(part[0], module);
    }
  }

  // from a.b import c as d, (e, f)
  void FromImport(Tokens statement) {
    std::string module;
    size_t i = 1;
    for (; i < statement.size() && !IsName(statement[i], "import"); ++i) module += statement[i].text;
    if (i + 1 >= statement.size() || module.empty()) return;
    module = Absolute(module);
    if (module.empty()) return;
    ImportedModule(statement[0], module);
    Tokens names = statement.subspan(i + 1);
    if (names.size() >= 2 && IsOperator(names.front(), "(")) names = names.subspan(1, names.size() - 2);
    for (Tokens part : SplitArguments(names)) {
      bool renamed = part.size() == 3 && IsName(part[1], "as");
      if (module == "os" && IsOperator(part[0], "*")) {
        for (const char* name : {"environ", "environb", "putenv", "unsetenv"})
          aliases_[name] = std::string("os.") + name;
        continue;
      }
      if (IsOperator(part[0], "*")) {
        if (module == "tensorflow") all_of_tensorflow_ = true;
        TakeAll(module);
        continue;
      }
      const std::string name = module + "." + std::string(part[0].text);
      RunOwn(statement[0], name);  // where it is a module
      whole_.called.emplace(part[0].text);
      const auto meant = whole_.names.find(name);
      aliases_[std::string(part[renamed ? 2 : 0].text)] = meant == whole_.names.end() ? name : meant->second;
    }
  }

  void Delete(Tokens rest) {
    for (Tokens part : SplitArguments(rest)) {
      if (part[0].kind != Kind::kName) continue;
      size_t at = 0;
      const std::string name = Dotted(part, at);
      if (!IsOneOf(name, {"os.environ", "os.environb"}) || at >= part.size() || !IsOperator(part[at], "["))
        continue;
      AddVariable(What::kUnsetVariable, part[0].line, Literal(Inside(part, at), name == "os.environb"));
    }
  }

  ProgramAction& AddVariable(What what, uint32_t line, const std::optional<std::string>& name) {
    ProgramAction& action = Add(what, line, name.value_or(""));
    action.any_name = !name;
    return action;
  }

  // os.environ['NAME'] = value; os.environ |= {…}
  void Environ(Tokens statement, size_t name_at, size_t at, bool bytes) {
    if (IsOperator(statement[at], "|=")) return Mapping(statement.subspan(at + 1), bytes);
    if (!IsOperator(statement[at], "[")) return;
    size_t end = BehindBracket(statement, at);
    if (end >= statement.size()) return;
    // os.environ['A'], x = …
    bool in_tuple = IsOperator(statement[end], ",") &&
                    std::any_of(statement.begin() + static_cast<std::ptrdiff_t>(end), statement.end(),
                                [](const Token& token) { return IsOperator(token, "="); });
    bool set = IsOperator(statement[end], "=");
    bool added = IsOperator(statement[end], "+=");
    if (!set && !added && !in_tuple) return;
    std::optional<std::string> name = Literal(Inside(statement, at), bytes);
    Tokens value = statement.subspan(end + 1);
    // a = b = value
    for (size_t i = value.size(); i-- > 0;) {
      if (IsOperator(value[i], "=")) {
        value = value.subspan(i + 1);
        break;
      }
    }
    bool after_comma = name_at > 0 && IsOperator(statement[name_at - 1], ",");
    ProgramAction& action = AddVariable(What::kSetVariable, statement[name_at].line, name);
    if (set && !after_comma) action.value = Literal(value, bytes);
  }

  // config.device_count['GPU'] = 0
  void DeviceCount(Tokens statement, size_t name_at, size_t at) {
    if (!IsOperator(statement[at], "[")) return;
    const size_t end = BehindBracket(statement, at);
    if (end + 1 >= statement.size() || !IsOperator(statement[end], "=")) return;
    if (Literal(Inside(statement, at)) != "GPU") return;
    ProgramAction& action = Add(What::kSessionDevices, statement[name_at].line, "device_count");
    if (end + 2 == statement.size() && statement[end + 1].kind == Kind::kNumber)
      action.value = std::string(statement[end + 1].text);
  }

  // {'NAME': 'value', …}, dict(NAME='value'); of anything else only the running program knows what it names.
  void Mapping(Tokens tokens, bool bytes) {
    if (tokens.empty()) return;
    if (tokens.size() > 2 && IsName(tokens[0], "dict") && IsOperator(tokens[1], "(") &&
        BehindBracket(tokens, 1) == tokens.size()) {
      for (Tokens argument : SplitArguments(Inside(tokens, 1))) Pairs(argument, bytes);
      return;
    }
    if (!IsOperator(tokens[0], "{") || BehindBracket(tokens, 0) != tokens.size()) {
      AddVariable(What::kSetVariable, tokens[0].line, std::nullopt);
      return;
    }
    for (Tokens part : SplitArguments(Inside(tokens, 0))) {
      auto colon = std::find_if(part.begin(), part.end(), [](const Token& t) { return IsOperator(t, ":"); });
      auto at = static_cast<size_t>(colon - part.begin());
      std::optional<std::string> name = Literal(part.first(at), bytes);
      std::optional<std::string> value =
          colon == part.end() ? std::nullopt : Literal(part.subspan(at + 1), bytes);
      AddVariable(What::kSetVariable, part[0].line, name).value = value;
    }
  }

  // An argument of dict() or update(): NAME='value', or a mapping.
  void Pairs(Tokens argument, bool bytes) {
    if (argument.size() > 2 && argument[0].kind == Kind::kName && IsOperator(argument[1], "=")) {
      std::optional<std::string> value = Literal(argument.subspan(2));
      Add(What::kSetVariable, argument[0].line, std::string(argument[0].text)).value = value;
    } else {
      Mapping(argument, bytes);
    }
  }

  void Assign(const Token& token, const std::string& name, Tokens value, bool plain) {
    if (!plain) {
      return;
    }
    std::string variable(token.text);
    aliases_.erase(variable);
    gpu_lists_.erase(variable);
    cpu_lists_.erase(variable);
    if (blocks_.back().deferred || name != variable) return;
    if (IsListOfGpus(value, *this)) gpu_lists_.insert(variable);
    if (IsListOfCpus(value, *this)) cpu_lists_.insert(variable);
    // config = tf.config
    if (!value.empty() && value[0].kind == Kind::kName) {
      size_t at = 0;
      std::string full = Dotted(value, at);
      if (at == value.size() && full.find('.') != std::string::npos) aliases_[variable] = full;
    }
  }

  // A method of an object that is not known: model.fit().
  void Method(std::string_view name) {
    whole_.called.emplace(name);
    if (IsOneOf(name,
                {"fit", "fit_generator", "train_on_batch", "GradientTape", "apply_gradients", "minimize"})) {
      blocks_.back().trains = true;
    }
  }

  void Call(const Token& at, const std::string& name, const std::vector<Tokens>& arguments,
            const Loop& comprehension) {
    Method(name.substr(name.rfind('.') + 1));
    if (!OwnName(name).empty()) blocks_.back().calls_own_function = true;
    if (IsOneOf(name, {"sys.exit", "exit", "quit", "os._exit"}) && Sure()) ends_program_ = true;
    if (name.starts_with("os.")) return OsCall(at, name, arguments);
    if (IsOneOf(name, {"dotenv.load_dotenv", "dotenv.main.load_dotenv"})) return LoadDotenv(at, arguments);
    for (const Tokens& argument : arguments) {
      bool named = argument.size() > 2 && argument[0].kind == Kind::kName && IsOperator(argument[1], "=");
      if (!named || !IsOneOf(argument[0].text, {"jit_compile", "run_eagerly"})) continue;
      bool jit = argument[0].text == "jit_compile";
      if (IsName(argument[2], "True") || IsName(argument[2], "False")) {
        Add(jit ? What::kJit : What::kEager, argument[0].line, std::string(argument[0].text)).value =
            std::string(argument[2].text);
      }
    }
    if (name.starts_with("tensorflow.")) TensorFlowCall(at, name.substr(11), arguments, comprehension);
    // Arguments are computed first.
    Starts(at, name);
    if (name.ends_with(".Input") || name.ends_with(".placeholder")) whole_.symbolic = true;
  }

  // What a call does to the devices, at once or, in a function, when that is called.
  void Starts(const Token& at, const std::string& name) {
    const std::string own = OwnName(name);
    const std::string where = cell_ + "line " + std::to_string(at.line);
    if (blocks_.back().deferred) {
      const Wakes wakes = WhatItWakes(name, whole_.symbolic);
      if (wakes == Wakes::kDevices) Add(What::kStartsDevices, at.line, name);
      for (const std::string& of : blocks_.back().of) {
        OwnCode& code = whole_.own[Qualified(of)];
        if (!own.empty()) code.calls.insert(own);
        Note(code.starts, wakes, name + "() (" + where + ")");
      }
      return;
    }
    if (!own.empty()) {
      std::set<std::string, std::less<>> seen;
      std::optional<Started> starts;
      Follow(own, seen, starts);
      if (starts) Perhaps(*starts, own + "() (" + where + ") calls " + starts->by);
      return;
    }
    const Wakes wakes = WhatItWakes(name, whole_.symbolic);
    if (wakes == Wakes::kNothing) return;
    if (lambda_ != nullptr && at.text.data() > lambda_) {  // runs when that is called
      if (wakes == Wakes::kDevices) Add(What::kStartsDevices, at.line, name);
      return;
    }
    const bool driver_only = wakes < Wakes::kPerhapsDevices;
    const bool graph = blocks_.back().graph || out_.graph_mode;
    const bool sure = Sure() && whole_.imported && !graph && !whole_.perhaps_graph_mode;
    const bool starts = wakes == Wakes::kDevices;
    if (starts) Add(What::kStartsDevices, at.line, name);
    if (out_.graph_mode && !driver_only) return;
    if (starts && sure) {
      whole_.started = whole_.driver_asked = true;
    } else if (wakes == Wakes::kDriver && Sure()) {
      whole_.driver_asked = true;
    } else {
      const std::string call = name + "() (" + where + ")";
      Perhaps({call, driver_only}, starts || wakes == Wakes::kDriver
                                       ? call + " does so if it is reached and runs at once"
                                       : "what " + call + " does is not known");
    }
  }

  static void Note(std::optional<Started>& known, Wakes wakes, const std::string& by) {
    if (wakes == Wakes::kNothing) return;
    const bool driver_only = wakes < Wakes::kPerhapsDevices;
    if (!known || (known->driver_only && !driver_only)) known = Started{by, driver_only};
  }

  // What the functions of this text do that this one calls.
  void Follow(const std::string& name, std::set<std::string, std::less<>>& seen,
              std::optional<Started>& starts) const {
    const auto own = whole_.own.find(name);
    if (own == whole_.own.end() || seen.size() > kMaxBlocks || !seen.insert(name).second) return;
    if (own->second.starts && (!starts || (starts->driver_only && !own->second.starts->driver_only)))
      starts = own->second.starts;
    for (const std::string& called : own->second.calls) Follow(called, seen, starts);
  }

  void Perhaps(const Started& starts, const std::string& why) {
    if (whole_.perhaps_driver_asked.empty()) whole_.perhaps_driver_asked = why;
    if (!starts.driver_only && whole_.perhaps_started.empty()) whole_.perhaps_started = why;
  }

  void OsCall(const Token& at, std::string name, const std::vector<Tokens>& arguments) {
    constexpr std::string_view kBytes = "os.environb.";
    bool bytes = name.starts_with(kBytes);
    if (bytes) name = "os.environ." + name.substr(kBytes.size());
    if (name == "os.environ.update") {
      for (const Tokens& argument : arguments) Pairs(argument, bytes);
      return;
    }
    if (name == "os.environ.clear") AddVariable(What::kUnsetVariable, at.line, std::nullopt);
    if (arguments.empty()) return;
    // putenv() and unsetenv() take both, and os.environ knows nothing of them: Python's own reads see no
    // change, the driver and TensorFlow's library do.
    const bool direct = name == "os.putenv" || name == "os.unsetenv";
    std::optional<std::string> variable = Literal(arguments[0], bytes);
    if (!variable && direct) variable = Literal(arguments[0], true);
    if (direct && variable && WhenRead(*variable) == ReadFirst::kImport) return;
    std::optional<std::string> value = arguments.size() > 1 ? Literal(arguments[1], bytes) : std::nullopt;
    if (!value && direct && arguments.size() > 1) value = Literal(arguments[1], true);
    if (name == "os.putenv" || name == "os.environ.__setitem__") {
      AddVariable(What::kSetVariable, at.line, variable).value = value;
    } else if (name == "os.environ.setdefault") {
      AddVariable(What::kDefaultVariable, at.line, variable).value = value;
    } else if (IsOneOf(name, {"os.environ.pop", "os.environ.__delitem__", "os.unsetenv"})) {
      AddVariable(What::kUnsetVariable, at.line, variable);
    }
  }

  // python-dotenv: load_dotenv() sets what a file names and the environment lacks.
  void LoadDotenv(const Token& at, const std::vector<Tokens>& arguments) {
    const Tokens override_all = Argument(arguments, 3, "override");
    const bool set = !override_all.empty() && !IsName(override_all[0], "False");
    AddVariable(set ? What::kSetVariable : What::kDefaultVariable, at.line, std::nullopt);
  }

  void TensorFlowCall(const Token& at, std::string name, const std::vector<Tokens>& arguments,
                      const Loop& comprehension) {
    constexpr std::string_view kExperimental = "config.experimental.";
    if (name.starts_with(kExperimental)) name = "config." + name.substr(kExperimental.size());
    if (name == "config.set_visible_devices") {
      Tokens devices = Argument(arguments, 0, "devices");
      Tokens type = Argument(arguments, 1, "device_type");
      std::optional<std::string> of = type.empty() ? std::string() : Literal(type);
      if (of == "CPU") return;
      ProgramAction& action = Add(What::kVisibleDevices, at.line, "tf." + name);
      if (of == "GPU" || of == "") action.value = Visible(devices, of == "");
      if (action.value == "all") out_.actions.pop_back();
    } else if (name == "config.set_memory_growth") {
      if (arguments.size() > 1 && IsName(ValueOf(arguments[1])[0], "False")) return;
      ProgramAction& action = Add(What::kMemoryGrowth, at.line, "tf." + name);
      action.value = Growth(Argument(arguments, 0, "device"), comprehension);
    } else if (name == "config.set_logical_device_configuration" ||
               name == "config.set_virtual_device_configuration") {
      Add(What::kLogicalDevices, at.line, "tf." + name);
    } else if (name == "ConfigProto") {
      const Tokens counts = Argument(arguments, arguments.size(), "device_count");
      const bool call = counts.size() > 2 && IsName(counts[0], "dict");
      if (counts.size() < 2 || (!call && !IsOperator(counts[0], "{"))) return;
      for (Tokens part : SplitArguments(Inside(counts, call ? 1 : 0))) {
        const bool gpu =
            part.size() == 3 && (call ? IsName(part[0], "GPU") : Literal(part.first(1)) == "GPU");
        if (gpu && part[2].kind == Kind::kNumber)
          Add(What::kSessionDevices, at.line, "device_count").value = std::string(part[2].text);
      }
    } else if (name == "device" || name == "distribute.OneDeviceStrategy") {
      if (arguments.empty()) return;
      std::optional<std::string> device = Literal(ValueOf(arguments[0]));
      Add(What::kDevice, at.line, "tf." + name).value = device;
    } else if (name == "disable_eager_execution" || name == "disable_v2_behavior") {
      if (Sure() && !blocks_.back().deferred) {
        out_.graph_mode = true;
      } else {
        whole_.perhaps_graph_mode = true;
      }
      Add(What::kEager, at.line, name).value = "False";
    } else if (name == "config.run_functions_eagerly") {
      bool literal = !arguments.empty() && arguments[0].size() == 1 && arguments[0][0].kind == Kind::kName;
      ProgramAction& action = Add(What::kEager, at.line, "run_functions_eagerly");
      if (literal) action.value = std::string(arguments[0][0].text);
    } else if (name == "config.optimizer.set_jit") {
      ProgramAction& action = Add(What::kJit, at.line, "set_jit");
      if (!arguments.empty() && arguments[0].size() == 1) {
        action.value = arguments[0][0].kind == Kind::kString
                           ? StringValue(arguments[0][0].text)
                           : std::optional(std::string(arguments[0][0].text));
      }
    }
  }

  // Which GPUs are left: "none", "all", "0".
  std::optional<std::string> Visible(Tokens devices, bool any_type) const {
    if (devices.size() == 2 && IsOperator(devices[0], "[")) return "none";
    if (any_type && IsListOfCpus(devices, *this)) return "none";
    if (IsListOfGpus(devices, *this)) return "all";
    // [gpus[0]]
    if (devices.size() > 2 && IsOperator(devices[0], "[") && BehindBracket(devices, 0) == devices.size())
      devices = devices.subspan(1, devices.size() - 2);
    return Index(devices);
  }

  // gpus[0] -> "0"
  std::optional<std::string> Index(Tokens tokens) const {
    for (size_t i = 0; i + 2 < tokens.size(); ++i) {
      if (!IsOperator(tokens[i], "[")) continue;
      bool one =
          i + 3 == tokens.size() && tokens[i + 1].kind == Kind::kNumber && IsOperator(tokens[i + 2], "]");
      if (one && IsListOfGpus(tokens.first(i), *this)) return std::string(tokens[i + 1].text);
    }
    return std::nullopt;
  }

  std::optional<std::string> Growth(Tokens device, const Loop& comprehension) const {
    if (device.size() == 1 && device[0].kind == Kind::kName) {
      if (comprehension.over_gpus && device[0].text == comprehension.variable) return "all";
      for (const Block& block : blocks_) {
        if (block.over_gpus && device[0].text == block.loop_variable) return "all";
      }
    }
    return Index(device);
  }

  Whole& whole_;
  ProgramReading& out_ = whole_.out;
  const std::string module_;
  std::string package_;       // that it belongs to, for relative imports
  std::string file_;          // of a module
  uint32_t imported_by_ = 0;  // line of the program
  Block top_;
  std::vector<std::string_view> lines_;
  std::string cell_;
  uint32_t lines_before_ = 0;
  std::unordered_map<std::string, std::string> aliases_;
  std::unordered_map<std::string, std::string> constants_;
  std::unordered_map<std::string, int> bindings_;
  bool all_of_tensorflow_ = false;  // from tensorflow import *
  std::set<std::string, std::less<>> gpu_lists_;
  std::set<std::string, std::less<>> cpu_lists_;
  std::set<std::string, std::less<>> functions_;
  std::set<std::string, std::less<>> classes_;
  std::vector<Block> blocks_;
  Block pending_;
  std::string own_unsure_;
  bool ends_program_ = false;
  const char* lambda_ = nullptr;  // where the first of the statement stands
  std::string closed_keyword_;    // of the block that ended directly before this line
};

// A cell of another language or for another place: its first line is "%%bash".
bool IsPythonCell(std::string_view first_line) {
  if (!first_line.starts_with("%%")) return true;
  std::vector<std::string_view> words = SplitWords(first_line.substr(2));
  return !words.empty() && IsOneOf(words[0], {"time", "timeit", "capture", "prun"});
}

// The text of one code cell; nbformat writes it as a list of lines or as one text.
std::string CellSource(const nlohmann::json& cell) {
  auto source = cell.find("source");
  if (source == cell.end()) source = cell.find("input");  // nbformat 3
  if (source == cell.end()) return "";
  if (source->is_string()) return source->get<std::string>();
  std::string text;
  if (source->is_array()) {
    for (const nlohmann::json& line : *source) {
      if (line.is_string()) text += line.get_ref<const std::string&>();
    }
  }
  return text;
}

// "R", "Python 2.7": the language of a notebook that Python 3 does not run; empty: none other is named.
std::string OtherLanguage(const nlohmann::json& notebook) {
  const nlohmann::json metadata = notebook.value("metadata", nlohmann::json::object());
  if (!metadata.is_object()) return "";
  const auto text = [&](const char* table, const char* key) {
    const auto found = metadata.find(table);
    if (found == metadata.end() || !found->is_object()) return std::string();
    const nlohmann::json value = found->value(key, nlohmann::json());
    return value.is_string() ? value.get<std::string>() : std::string();
  };
  std::string language = text("kernelspec", "language");
  if (language.empty()) language = text("language_info", "name");
  if (!language.empty() && Lower(language).find("python") == std::string::npos) return language;
  const std::string version = text("language_info", "version");
  return version.starts_with("2.") ? "Python " + version : "";
}

// Of what a module offers, a program uses a part.
void LeaveOutUncalled(Whole& whole) {
  std::erase_if(whole.out.actions, [&](const ProgramAction& action) {
    return !action.file.empty() && !action.function.empty() && !whole.called.contains(action.function);
  });
}

Result<ProgramReading> ReadNotebook(std::string_view bytes, const FindOwnModule& find) {
  Result<std::vector<NotebookCell>> cells = NotebookCells(bytes);
  if (!cells) return cells.error();
  const std::string other = OtherLanguage(nlohmann::json::parse(bytes, nullptr, false));
  if (!other.empty())
    return Error{ErrorKind::kMalformed, "it is a notebook of " + Printable(other, 40) + ", not of Python 3"};
  ProgramReading reading;
  reading.notebook = true;
  Whole whole(reading, find);
  Reader reader(whole);
  uint32_t lines_before = 0;
  size_t number = 0;
  for (const NotebookCell& cell : *cells) {
    ++number;
    if (!cell.python) continue;
    PythonTokens tokens = TokenizePython(cell.source, true);
    // A cell that Python refuses does nothing; the others run all the same.
    if (!Refused(tokens)) {
      reader.Read(cell.source, tokens.tokens, "cell " + std::to_string(number) + ", ", lines_before);
    }
    lines_before += static_cast<uint32_t>(std::count(cell.source.begin(), cell.source.end(), '\n')) + 1;
  }
  LeaveOutUncalled(whole);
  return reading;
}

}  // namespace

Result<std::vector<NotebookCell>> NotebookCells(std::string_view bytes) {
  nlohmann::json notebook = nlohmann::json::parse(bytes, nullptr, false);
  if (notebook.is_discarded() || !notebook.is_object())
    return Error{ErrorKind::kMalformed, "it is no notebook: not JSON"};
  const nlohmann::json* cells = nullptr;
  if (auto found = notebook.find("cells"); found != notebook.end()) {
    cells = &*found;
  } else if (auto sheets = notebook.find("worksheets"); sheets != notebook.end() && sheets->is_array() &&
                                                        !sheets->empty() && sheets->front().is_object()) {
    auto of_sheet = sheets->front().find("cells");
    if (of_sheet != sheets->front().end()) cells = &*of_sheet;
  }
  if (cells == nullptr || !cells->is_array())
    return Error{ErrorKind::kMalformed, "it is no notebook: it has no cells"};
  std::vector<NotebookCell> found;
  for (const nlohmann::json& cell : *cells) {
    if (!cell.is_object() || cell.value("cell_type", nlohmann::json()) != "code") continue;
    std::string source = CellSource(cell);
    Result<std::string> decoded = DecodePython(source);
    if (decoded) source = std::move(*decoded);
    const bool python = decoded.ok() && IsPythonCell(std::string_view(source).substr(0, source.find('\n')));
    found.push_back({std::move(source), python});
  }
  return found;
}

Result<ProgramReading> ReadProgramText(std::string_view bytes, bool notebook, const FindOwnModule& find) {
  if (notebook) return ReadNotebook(bytes, find);
  Result<std::string> source = DecodePython(bytes);
  if (!source) return source.error();
  PythonTokens tokens = TokenizePython(*source);
  if (const std::string page = Lower(Trim(*source).substr(0, 20));
      page.starts_with("<!doctype html") || page.starts_with("<html"))
    return Error{ErrorKind::kMalformed, "Python would not run it: it is a web page (HTML)"};
  if (std::optional<Error> refused = Refused(tokens))
    return Error{ErrorKind::kMalformed, "Python would not run it: " + refused->message};
  ProgramReading reading;
  Whole whole(reading, find);
  Reader(whole).Read(*source, tokens.tokens, "", 0);
  LeaveOutUncalled(whole);
  return reading;
}

Result<ProgramReading> ReadProgram(const System& system, const std::string& path, bool own_modules) {
  Result<std::string> bytes = system.ReadAll(path, kProgramLimit);
  if (!bytes) return bytes.error();
  const bool notebook = path.ends_with(".ipynb");
  FindOwnModule find;
  if (own_modules) {
    // A program's links are followed; a notebook's kernel starts in the folder where it lies.
    Result<std::string> real = notebook ? path : system.RealPath(path);
    find = [&system, folder = DirName(real ? *real : path)](const std::string& name) -> Result<OwnModule> {
      std::string place = folder + "/" + name;
      std::replace(place.begin() + static_cast<std::ptrdiff_t>(folder.size()), place.end(), '.', '/');
      for (const std::string& file : {place + "/__init__.py", place + ".py"}) {
        Result<std::string> text = system.ReadAll(file, kProgramLimit);
        if (text) return OwnModule{file, *std::move(text)};
        if (!text.not_found()) return Error{text.error().kind, Printable(file) + ": " + text.error().message};
      }
      return Error{ErrorKind::kNotFound, "no module of this program"};
    };
  }
  Result<ProgramReading> reading = ReadProgramText(*bytes, notebook, find);
  if (!reading) return Error{reading.error().kind, Printable(path) + ": " + reading.error().message};
  return reading;
}

}  // namespace tfdoctor
