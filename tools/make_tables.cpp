// make_tables OUT.cpp data/*.toml: checks the rows and writes them as the tables of src/knowledge/tables.h.
// Runs at build time; an error stops the build with file, line, column and what would be right.
#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <iostream>
#include <iterator>
#include <tuple>
#include <unordered_map>

#include "base/text.h"
#include "knowledge/rows/rows.h"

namespace tfdoctor {
namespace {

class Writer {
 public:
  // The C++ of a text; equal texts are stored once.
  std::string Text(const std::string& text) {
    auto [it, added] = places_.try_emplace(text, blob_.size());
    if (added) blob_ += text;
    return fmt::format("{{{}, {}}}", it->second, text.size());
  }
  std::string List(const std::vector<std::string>& texts) { return Text(Join(texts, "\n")); }

  // One table: its rows as C++, each with a comment for people who read the result.
  void Open(const char* type, const char* name) {
    table_ = fmt::format("constexpr {} {}Rows[] = {{\n", type, name);
    end_ = fmt::format("}};\nconst std::span<const {}> {} = {}Rows;\n", type, name, name);
  }
  void Add(const std::string& row, const std::string& comment) {
    table_ += fmt::format("    {{{}}},{}{}\n", row, comment.empty() ? "" : "  // ", comment);
    empty_ = false;
  }
  void Close() {
    // A C++ array has at least one element.
    if (empty_) std::cerr << "make_tables: no rows for this table:\n" << table_;
    failed_ |= empty_;
    tables_ += table_ + end_;
    empty_ = true;
  }
  void Line(const std::string& line) { tables_ += line; }
  bool failed() const { return failed_; }

  std::string Source() const {
    std::string source =
        "// Made by tools/make_tables.cpp from data/*.toml.\n#include \"knowledge/tables.h\"\n\n"
        "namespace tfdoctor::tables {\nnamespace {\nconstexpr char kBlob[] =";
    // Pieces, since compilers bound the length of one line.
    for (size_t i = 0; i < blob_.size(); i += 96)
      source += "\n    " + Quoted(std::string_view(blob_).substr(i, 96));
    return source + ";\n}  // namespace\n\nconst char* const kTexts = kBlob;\n" + tables_ +
           "\n}  // namespace tfdoctor::tables\n";
  }

 private:
  static std::string Quoted(std::string_view text) {
    std::string quoted = "\"";
    for (char c : text) {
      if (c == '"' || c == '\\' || c == '?') {
        quoted += '\\';
        quoted += c;
      } else if (c >= ' ' && c <= '~') {
        quoted += c;
      } else {
        quoted += fmt::format("\\{:03o}", static_cast<unsigned char>(c));
      }
    }
    return quoted + "\"";
  }

  std::string blob_, tables_, table_, end_;
  std::unordered_map<std::string, size_t> places_;
  bool empty_ = true;
  bool failed_ = false;
};

std::string Number(auto value) { return fmt::format("{}", value); }

std::string BuildRow(const TensorFlowBuild& b, Writer& w) {
  std::vector<std::string> objects;
  for (const auto& [path, size] : b.objects) objects.push_back(fmt::format("{} {}", size, path));
  std::vector<std::string> cells;
  for (const std::string* text : {&b.distribution, &b.version, &b.machine, &b.wheel, &b.date})
    cells.push_back(w.Text(*text));
  cells.push_back(w.List(b.pythons));
  for (const std::string* text : {&b.glibc, &b.cuda_version, &b.cudnn_version})
    cells.push_back(w.Text(*text));
  for (const auto* list : {&b.sass, &b.ptx, &b.sass_partial}) cells.push_back(w.List(*list));
  for (const std::string* text : {&b.ptx_isa, &b.ptx_isa_partial}) cells.push_back(w.Text(*text));
  for (const auto* list : {&b.opens, &b.opens_at_start, &b.cpu_flags, &b.requires_dist})
    cells.push_back(w.List(*list));
  cells.push_back(w.List(objects));
  for (bool flag : {b.cuda, b.cuda_known, b.rocm, b.scanned}) cells.push_back(Number(flag));
  cells.push_back(Number(b.needs_nvml ? static_cast<int>(*b.needs_nvml) : -1));
  return Join(cells, ", ");
}

template <class T, class Key>
void Sort(std::vector<T>& rows, Key key) {
  std::sort(rows.begin(), rows.end(), [&](const T& a, const T& b) { return key(a) < key(b); });
}

void WritePairs(const char* name, const std::map<std::string, std::string>& pairs, Writer& w) {
  w.Open("Pair", name);
  for (const auto& [key, value] : pairs)
    w.Add(fmt::format("{}, {}", w.Text(key), w.Text(value)), fmt::format("{}: {}", key, value));
  w.Close();
}

void WriteWheels(std::vector<NvidiaWheel> wheels, Writer& w) {
  Sort(wheels, [](const NvidiaWheel& v) { return std::tie(v.distribution, v.version); });
  w.Open("Library", "kLibraries");
  for (const NvidiaWheel& wheel : wheels) {
    for (const WheelLibrary& l : wheel.libraries) {
      std::vector<std::string> cells = {w.Text(l.path),    w.Text(l.soname), w.List(l.needed),
                                        w.Text(l.runpath), w.Text(l.rpath),  w.List(l.sass),
                                        w.List(l.ptx),     Number(l.size)};
      w.Add(Join(cells, ", "), l.path);
    }
  }
  w.Close();
  w.Open("Wheel", "kWheels");
  size_t first = 0;
  for (const NvidiaWheel& wheel : wheels) {
    std::vector<std::string> cells = {w.Text(wheel.distribution), w.Text(wheel.version), Number(first),
                                      Number(wheel.libraries.size()), Number(wheel.scanned)};
    w.Add(Join(cells, ", "), wheel.distribution + " " + wheel.version);
    first += wheel.libraries.size();
  }
  w.Close();
}

void WriteAll(Rows rows, Writer& w) {
  Sort(rows.builds, [](const TensorFlowBuild& b) { return std::tie(b.distribution, b.version, b.machine); });
  w.Open("Build", "kBuilds");
  for (const TensorFlowBuild& b : rows.builds) w.Add(BuildRow(b, w), b.key + " " + b.machine);
  w.Close();
  w.Open("Text", "kFlavours");
  for (const std::string& flavour : rows.flavours) {
    std::string text = w.Text(flavour);
    w.Add(text.substr(1, text.size() - 2), flavour);
  }
  w.Close();
  WriteWheels(rows.wheels, w);
  Sort(rows.sonames, [](const SonameRow& s) { return std::tie(s.soname, s.cuda_major); });
  w.Open("Soname", "kSonames");
  for (const SonameRow& s : rows.sonames) {
    std::vector<std::string> cells = {w.Text(s.soname), Number(s.cuda_major), w.Text(s.distribution),
                                      w.Text(s.path), w.List(s.needed)};
    w.Add(Join(cells, ", "), s.soname);
  }
  w.Close();
  WritePairs("kDriverFloors", rows.driver_floors, w);
  WritePairs("kToolkitDrivers", rows.toolkit_drivers, w);
  WritePairs("kCudaOfBranches", rows.cuda_of_branches, w);
  WritePairs("kDriversOfPtx", rows.drivers_of_ptx, w);
  Sort(rows.architectures, [](const ArchitectureRow& a) { return a.compute_capability; });
  w.Open("Architecture", "kArchitectures");
  for (const ArchitectureRow& a : rows.architectures) {
    std::vector<std::string> cells = {w.Text(a.compute_capability), w.Text(a.name), w.Text(a.first_branch),
                                      w.Text(a.last_branch)};
    w.Add(Join(cells, ", "), a.compute_capability + " " + a.name);
  }
  w.Close();
  w.Open("Limits", "kCudaLimits");
  for (const auto& [cuda, limits] : rows.cuda_limits) {
    w.Add(fmt::format("{}, 0, {}, {}", w.Text(cuda), w.Text(limits.lowest), w.Text(limits.highest)),
          "CUDA " + cuda);
  }
  w.Close();
  w.Open("Limits", "kCudnnLimits");
  for (const auto& [key, limits] : rows.cudnn_limits) {
    w.Add(fmt::format("{}, {}, {}, {}", w.Text(key.first), key.second, w.Text(limits.lowest),
                      w.Text(limits.highest)),
          "cuDNN " + key.first);
  }
  w.Close();
  Sort(rows.gpus, [](const GpuModel& g) { return g.pci_id; });
  w.Open("Gpu", "kGpus");
  for (const GpuModel& g : rows.gpus) {
    std::vector<std::string> cells = {w.Text(g.pci_id), w.Text(g.name), w.Text(g.architecture),
                                      w.Text(g.compute_capability)};
    w.Add(Join(cells, ", "), g.name);
  }
  w.Close();
  Sort(rows.gpu_ranges, [](const GpuRangeRow& r) { return r.first; });
  w.Open("GpuRange", "kGpuRanges");
  for (const GpuRangeRow& r : rows.gpu_ranges) {
    std::vector<std::string> cells = {w.Text(r.first), w.Text(r.last), w.Text(r.architecture),
                                      w.Text(r.compute_capability)};
    w.Add(Join(cells, ", "), r.first + " to " + r.last);
  }
  w.Close();
  w.Open("Message", "kMessages");
  for (const MessageData& m : rows.messages) {
    std::vector<std::string> cells = {w.Text(m.id)};
    cells.push_back(w.List(m.texts));
    for (const std::string* text : {&m.by, &m.kind, &m.cause, &m.meaning, &m.releases})
      cells.push_back(w.Text(*text));
    cells.push_back(Number(m.machine));
    cells.push_back(Number(m.unchecked));
    cells.push_back(Number(m.shows));
    w.Add(Join(cells, ", "), m.id);
  }
  w.Close();
  w.Open("Error", "kErrors");
  for (const ErrorData& e : rows.errors) {
    w.Add(fmt::format("{}, {}, {}, {}, {}, {}", w.Text(e.library), e.number, w.Text(e.name), w.Text(e.text),
                      w.Text(e.fault), Number(e.reset)),
          e.name);
  }
  w.Close();
  w.Open("Defect", "kDefects");
  for (const DefectRow& d : rows.defects) {
    w.Add(fmt::format("{}, {}, {}", w.Text(d.package), w.Text(d.version), w.Text(d.defect)),
          d.package + " " + d.version);
  }
  w.Close();
  w.Open("CudaOfRelease", "kCudaOfReleases");
  for (const CudaOfReleaseRow& c : rows.cudas_of_releases)
    w.Add(fmt::format("{}, {}", w.Text(c.release), w.Text(c.cuda)), c.release);
  w.Close();
  w.Open("Jetson", "kJetsons");
  for (const JetsonRow& j : rows.jetsons)
    w.Add(fmt::format("{}, {}, {}", w.Text(j.release), w.Text(j.python), w.Text(j.wheel)), j.release);
  w.Close();
  w.Open("XlaFlag", "kXlaFlags");
  for (const XlaFlagRow& f : rows.xla_flags)
    w.Add(fmt::format("{}, {}, {}", w.Text(f.flag), w.Text(f.first), w.Text(f.last)), f.flag);
  w.Close();
  w.Open("Question", "kQuestions");
  for (const QuestionRow& q : rows.questions) {
    std::vector<std::string> answers;
    for (const auto& [word, fact] : q.answers) answers.push_back(fmt::format("{}: {}", word, fact));
    w.Add(fmt::format("{}, {}, {}, {}, {}", w.Text(q.fact), w.Text(q.question), w.Text(q.command),
                      w.Text(q.stated), w.List(answers)),
          q.fact);
  }
  w.Close();
  w.Open("Saying", "kSayings");
  for (const SayingRow& s : rows.sayings)
    w.Add(fmt::format("{}, {}, {}, {}", w.Text(s.id), w.List(s.words), w.List(s.under), s.complains), s.id);
  w.Close();
  w.Line(fmt::format("const Text kDate = {};\n", w.Text(rows.date)));
}

int Main(int argc, char** argv) {
  if (argc < 3) {
    std::cerr << "usage: make_tables OUT.cpp DATA.toml...\n";
    return 2;
  }
  Rows rows;
  for (int i = 2; i < argc; i++) {
    std::ifstream in(argv[i], std::ios::binary);
    std::string toml{std::istreambuf_iterator<char>(in), {}};
    if (!in) {
      std::cerr << argv[i] << ": cannot be read\n";
      return 1;
    }
    if (std::optional<Error> error = AddRows(toml, argv[i], rows)) {
      std::cerr << error->message << "\n";
      return 1;
    }
  }
  Writer writer;
  WriteAll(std::move(rows), writer);
  std::ofstream out(argv[1], std::ios::binary);
  out << writer.Source();
  return writer.failed() || !out.flush() ? 1 : 0;
}

}  // namespace
}  // namespace tfdoctor

int main(int argc, char** argv) { return tfdoctor::Main(argc, argv); }
