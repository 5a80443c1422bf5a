// Reading logs: forms of files, lines, templates, processes and attempts, bad input.
#include <gtest/gtest.h>
#include <lzma.h>
#include <zlib.h>
#include <zstd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <random>
#include <regex>
#include <set>

#include "base/text.h"
#include "diagnose/resemblance.h"
#include "facts/walk.h"
#include "knowledge/knowledge.h"
#include "logs/decode.h"
#include "logs/errors.h"
#include "logs/facts.h"
#include "logs/prose.h"
#include "logs/read.h"
#include "logs/scan.h"
#include "logs/statements.h"
#include "logs/template.h"
#include "rules/all.h"

namespace tfdoctor {
namespace {

const std::string kMismatch = "Failed to initialize NVML: Driver/library version mismatch";
const std::string kFactory =
    "E0000 00:00:1795415283.885872   28661 cuda_dnn.cc:8579] Unable to register cuDNN factory: Attempting to "
    "register factory for plugin cuDNN when one has already been registered";

LogReading Read(std::string_view bytes) { return ReadLog(bytes, BuiltInKnowledge()); }

bool Saw(const LogReading& reading, std::string_view id) {
  if (reading.machine.contains(id)) return true;
  return std::any_of(reading.attempts.begin(), reading.attempts.end(),
                     [&](const Attempt& attempt) { return attempt.messages.contains(id); });
}

std::string Gzip(const std::string& text) {
  z_stream stream = {};
  EXPECT_EQ(::deflateInit2(&stream, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
  std::string out(text.size() + 1024, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  EXPECT_EQ(::deflate(&stream, Z_FINISH), Z_STREAM_END);
  out.resize(out.size() - stream.avail_out);
  ::deflateEnd(&stream);
  return out;
}
std::string Zstd(const std::string& text) {
  std::string out(::ZSTD_compressBound(text.size()), '\0');
  out.resize(::ZSTD_compress(out.data(), out.size(), text.data(), text.size(), 3));
  return out;
}
std::string Xz(const std::string& text) {
  std::string out(text.size() + 4096, '\0');
  size_t size = 0;
  EXPECT_EQ(
      ::lzma_easy_buffer_encode(6, LZMA_CHECK_CRC64, nullptr, reinterpret_cast<const uint8_t*>(text.data()),
                                text.size(), reinterpret_cast<uint8_t*>(out.data()), &size, out.size()),
      LZMA_OK);
  out.resize(size);
  return out;
}
std::string Utf16(const std::string& text, bool little, bool mark) {
  std::string out = !mark ? "" : little ? "\xff\xfe" : "\xfe\xff";
  for (char c : text) {
    if (little) {
      out += c;
      out += '\0';
    } else {
      out += '\0';
      out += c;
    }
  }
  return out;
}

TEST(Decoder, TakesEveryForm) {
  const std::string log = "one\r\n" + kMismatch + "\r\ntwo\r\n";
  for (const std::string& bytes : {log, Gzip(log), Zstd(log), Xz(log), Utf16(log, true, true),
                                   Utf16(log, false, true), Utf16(log, true, false), Utf16(log, false, false),
                                   "\xef\xbb\xbf" + log, Gzip(Utf16(log, true, true))}) {
    const LogReading reading = Read(bytes);
    EXPECT_TRUE(Saw(reading, "nvml-mismatch"));
    EXPECT_EQ(reading.trouble, "");
    ASSERT_TRUE(reading.machine.contains("nvml-mismatch"));
    EXPECT_EQ(reading.machine.at("nvml-mismatch").line, 2U);
    EXPECT_EQ(reading.machine.at("nvml-mismatch").text, kMismatch);
  }
}

TEST(Decoder, TakesPiecesCutAnywhere) {
  const std::string log = "one\n" + kMismatch + "\ntwo\n";
  for (const std::string& bytes : {log, Gzip(log), Utf16(log, true, true)}) {
    for (size_t size : {1U, 2U, 3U, 7U, 64U}) {
      LogReader reader(BuiltInKnowledge());
      Decoder decoder([&](std::string_view text) {
        reader.Feed(text);
        return true;
      });
      for (size_t at = 0; at < bytes.size(); at += size)
        decoder.Feed(std::string_view(bytes).substr(at, size));
      decoder.End();
      EXPECT_TRUE(Saw(reader.Finish(), "nvml-mismatch")) << size;
    }
  }
}

TEST(Decoder, StraightensQuotesCutAnywhere) {
  const std::string curled =
      "\xE2\x80\x9C"
      "a\xE2\x80\x99"
      "b\xE2\x80\x94\xE2\x82\xAC\xE2";
  for (size_t size : {1U, 2U, 3U, 64U}) {
    std::string text;
    Decoder decoder([&](std::string_view part) {
      text += part;
      return true;
    });
    for (size_t at = 0; at < curled.size(); at += size)
      decoder.Feed(std::string_view(curled).substr(at, size));
    decoder.End();
    EXPECT_EQ(text, "\"a'b\xE2\x80\x94\xE2\x82\xAC\xE2") << size;
  }
}

TEST(Decoder, SaysWhatIsDamaged) {
  std::string noise;
  for (uint32_t i = 0, x = 7; i < 200000; i++, x = x * 1664525 + 1013904223)
    noise += static_cast<char>(x >> 24);
  for (const std::string& whole : {Gzip(kMismatch + "\n" + noise), Zstd(kMismatch + "\n" + noise)}) {
    const LogReading cut = Read(std::string_view(whole).substr(0, whole.size() / 2));
    EXPECT_NE(cut.trouble, "");
  }
  // zstd's own program adds a checksum, its library does not by itself: gzip has one always.
  std::string spoilt = Gzip(kMismatch + "\n" + noise);
  for (size_t i = 20; i < spoilt.size(); i += 97) spoilt[i] = static_cast<char>(spoilt[i] ^ 0x5a);
  EXPECT_NE(Read(spoilt).trouble, "");
}

TEST(Decoder, StopsBombs) {
  // zstd packs zeros better than any log is packed.
  const std::string bomb = Zstd(std::string(400 << 20, '\0'));
  ASSERT_LT(bomb.size(), 100000U);
  EXPECT_NE(Read(bomb).trouble.find("far more"), std::string::npos);
}

TEST(Decoder, ReadsOutputsOfNotebooks) {
  const std::string notebook =
      R"({"cells": [{"cell_type": "code", "source": ["Driver/library version mismatch"], "outputs": [
    {"output_type": "stream", "name": "stderr", "text": ["line\n", "W py_utils.cc:38] TF-TRT Warning: Could not find TensorRT\n"]},
    {"output_type": "error", "traceback": ["Traceback", "RuntimeError: Physical devices cannot be modified after being initialized"]}
    ]}], "nbformat": 4})";
  const LogReading reading = Read(notebook);
  EXPECT_TRUE(Saw(reading, "tensorrt-missing"));
  EXPECT_TRUE(Saw(reading, "devices-initialised"));
  EXPECT_FALSE(Saw(reading, "nvml-mismatch")) << "the source of a cell is no output";
}

TEST(Lines, AreCleaned) {
  EXPECT_EQ(CleanLine("\x1b[1;31mred\x1b[0m text\r"), "red text");
  EXPECT_EQ(CleanLine("\x1b]0;title\x07plain"), "plain");
  EXPECT_EQ(CleanLine(" 10%\r 20%\r done"), " 10%  20%  done");
  EXPECT_EQ(CleanLine(std::string_view("a\0b", 3)), "ab");
  EXPECT_EQ(CleanLine("ends in \x1b"), "ends in");
}

TEST(Lines, AreFoundBehindPrefixes) {
  for (const std::string prefix :
       {"", "> ", "    ", "client_2  | ", "[pod/train-0/main] ", "3: ", "Nov 26 00:13:28 host python[4711]: ",
        "2026-11-26T00:13:28.123456789Z stderr F ", "[   12.345678] ", "kernel: ", "\x1b[31m"}) {
    EXPECT_TRUE(Saw(Read(prefix + kMismatch + "\n"), "nvml-mismatch")) << Printable(prefix);
  }
}

TEST(Lines, ThatATerminalWrappedAreFound) {
  const std::string line =
      "Cannot assign: name: NVIDIA T600 pci bus id: 0, compute with Cuda compute capability 3.0. The minimum "
      "required Cuda capability is 3.5.";
  for (size_t at = 70; at + 10 < line.size(); at += 7) {
    std::string wrapped = line.substr(0, at) + "\n" + line.substr(at) + "\n";
    const LogReading reading = Read(wrapped);
    // Where the cut goes through what is searched for, it is not found.
    if (line.find(". The minimum required Cuda capability is ") + 42 > at && line.find(". The minimum") < at)
      continue;
    EXPECT_TRUE(Saw(reading, "gpu-ignored-cc")) << at;
  }
}

TEST(Template, FillsTypedHoles) {
  const Template text("failed to allocate {size:word} ({bytes:number} bytes) from device: {error}");
  EXPECT_EQ(text.anchor(), " bytes) from device: ");
  const auto fields =
      text.Match("x] failed to allocate 7.81G (8388608 bytes) from device: CUDA_ERROR_OUT_OF_MEMORY: out");
  ASSERT_TRUE(fields.has_value());
  EXPECT_EQ(fields->at(0).second, "7.81G");
  EXPECT_EQ(fields->at(1).second, "8388608");
  EXPECT_EQ(fields->at(2).second, "CUDA_ERROR_OUT_OF_MEMORY: out");
  EXPECT_FALSE(text.Match("failed to allocate much (x bytes) from device: y").has_value());
  const Template version("is {version:version}");
  EXPECT_EQ(version.Match("this is 12.5.")->at(0).second, "12.5");
}

TEST(Scanner, FindsWhatAPlainSearchFinds) {
  const std::vector<std::string_view> literals = {"abcdefg",        "bcdefgh",  "aaaaaaa",  "aabbaab",
                                                  "Driver/library", "gfedcba ", "abababab", "aaaaaaaa"};
  const Scanner scanner(literals);
  std::mt19937 random(3);
  std::string text;
  while (text.size() < 200'000) {
    // Lines of few letters, literals whole and broken at any place.
    const size_t line = random() % 40;
    for (size_t i = 0; i < line; i++) text += "ab"[random() % 2];
    const std::string_view literal = literals[random() % literals.size()];
    if (random() % 3 == 0) text += literal.substr(random() % 2, literal.size() - random() % 2);
    if (random() % 2 == 0) text += '\n';
  }
  size_t lines_with = 0, lines_without = 0, start = 0;
  for (const std::string_view line : SplitLines(text)) {
    std::set<uint32_t> expected;
    for (uint32_t i = 0; i < literals.size(); i++) {
      if (line.find(literals[i]) != line.npos) expected.insert(i);
    }
    std::vector<uint32_t> which;
    scanner.All(line, which);
    ASSERT_EQ(std::set<uint32_t>(which.begin(), which.end()), expected) << line;
    // From the start of each line and from within it: the first line that holds one.
    const size_t found = scanner.Find(text, start);
    if (expected.empty()) {
      EXPECT_TRUE(found == text.npos || found > start + line.size()) << line;
      lines_without++;
    } else {
      ASSERT_GE(found, start) << line;
      ASSERT_LT(found, start + line.size()) << line;
      lines_with++;
    }
    start += line.size() + 1;
  }
  EXPECT_GT(lines_with, 1000U);
  EXPECT_GT(lines_without, 1000U);
  EXPECT_EQ(CountLines(text), static_cast<uint64_t>(std::count(text.begin(), text.end(), '\n')));
  EXPECT_EQ(CountLines(std::string(10'000, '\n')), 10'000U);
}

TEST(Attempts, TheLastThatFailsIsJudged) {
  const std::string start =
      "I cpu_feature_guard.cc:210] This TensorFlow binary is optimized to use available CPU\n";
  const std::string log =
      start + "failed call to cuInit: UNKNOWN ERROR (34)\nTraceback (most recent call last):\n" + start +
      "Could not load dynamic library 'libcudnn.so.8'; dlerror: libcudnn.so.8: cannot open shared object "
      "file\n" +
      "Traceback (most recent call last):\n" + start;
  const LogReading reading = Read(log);
  ASSERT_EQ(reading.attempts.size(), 3U);
  ASSERT_NE(reading.Judged(), nullptr);
  EXPECT_TRUE(reading.Judged()->messages.contains("library-not-loaded"));
  EXPECT_FALSE(reading.Judged()->messages.contains("cuda-stub"));
}

TEST(Attempts, ProcessesAreToldApart) {
  const LogReading reading =
      Read("client_1  | failed call to cuInit: UNKNOWN ERROR (34)\nclient_2  | Could not find TensorRT\n");
  ASSERT_EQ(reading.attempts.size(), 2U);
  EXPECT_EQ(reading.attempts[0].process, "client_1");
  EXPECT_EQ(reading.Judged()->process, "client_1");
}

TEST(Headings, TellWhatTheFormOfAnIssueAsks) {
  const LogReading old = Read(
      "- OS Platform and Distribution (e.g., Linux Ubuntu 16.04): Windows 10\n"
      "-   **Python version:** 3.6\n- CUDA/cuDNN version: CUDA10.2 / cuDNN 7.6.5\n- GPU model and memory:\n"
      "TensorFlow version (use command below): 2.1.0\nTensorFlow version: 2.2.0\n");
  EXPECT_EQ(old.stated, (std::map<std::string, std::string>{{"os", "Windows 10"},
                                                            {"python", "3.6"},
                                                            {"cuda", "CUDA10.2"},
                                                            {"cudnn", "cuDNN 7.6.5"},
                                                            {"tf_version", "2.1.0"}}));
  const LogReading form = Read(
      "### TensorFlow version\n\n2.16.1\n\n### GPU model and memory\n\n_No response_\n\n### CUDA/cuDNN "
      "version\n\n11.8/8.6\n\n### Python version\n\n### Current behavior?\n");
  EXPECT_EQ(form.stated, (std::map<std::string, std::string>{
                             {"tf_version", "2.16.1"}, {"cuda", "11.8"}, {"cudnn", "8.6"}}));
  EXPECT_TRUE(
      Read("I wonder which TensorFlow version: the new one or\nany Python version = fine\n").stated.empty());
}

// At any width of a terminal the same messages are found, and what follows keeps its line number. Of a
// message with holes the pieces may lie in the line, the one before and the one behind it: not in four narrow
// ones.
TEST(Wrapped, LiteralsThatATerminalCuts) {
  const std::vector<std::string> lines = {
      "I0000 gpu_device.cc:2022] Created device /job:localhost/replica:0/task:0/device:GPU:0 with 9537 MB "
      "memory:  -> "
      "device: 0, name: NVIDIA GeForce RTX 3080, pci bus id: 0000:2d:00.0, compute capability: 8.6",
      "W0000 gpu_device.cc:2344] Cannot dlopen some GPU libraries. Please make sure the missing libraries "
      "mentioned above "
      "are installed properly if you would like to use GPU.",
      "Failed to initialize NVML: Driver/library version mismatch",
  };
  std::string plain;
  for (const std::string& line : lines) plain += line + "\n";
  const LogReading expected = Read(plain);
  for (size_t width = 40; width <= 120; width++) {
    std::string wrapped = "first\n";
    size_t count = 1;
    for (const std::string& line : lines) {
      for (size_t at = 0; at < line.size(); at += width, count++) wrapped += line.substr(at, width) + "\n";
    }
    wrapped += "module 'numpy' has no attribute 'x'\n";
    const LogReading reading = Read(wrapped);
    for (const auto& [id, message] : expected.machine)
      EXPECT_TRUE(reading.machine.contains(id)) << id << " at " << width;
    ASSERT_EQ(reading.attempts.size(), expected.attempts.size()) << width;
    for (const auto& [id, message] : expected.attempts[0].messages) {
      if (width < 80 && id == "device-created") continue;
      EXPECT_TRUE(reading.attempts[0].messages.contains(id)) << id << " at " << width;
    }
    EXPECT_EQ(reading.line_count, count + 1) << width;
    ASSERT_TRUE(reading.machine.contains("numpy-abi")) << width;
    EXPECT_EQ(reading.machine.at("numpy-abi").line, count + 1) << width;
  }
}

TEST(Packages, AreReadFromLists) {
  const LogReading reading = Read(
      "tensorflow==2.15.0\nnvidia-cudnn-cu12         8.9.4.25\ntensorflow-base           2.2.0 "
      "mkl_py36h5a57954_0  pkgs/main\n"
      "tensorflow is great\n");
  EXPECT_EQ(reading.packages.at("tensorflow"), "2.15.0");
  EXPECT_EQ(reading.packages.at("nvidia-cudnn-cu12"), "8.9.4.25");
  EXPECT_TRUE(Saw(reading, "conda-cpu-row"));
}

TEST(BadInput, IsReadInBounds) {
  EXPECT_EQ(Read("").line_count, 0U);
  std::string noise;
  for (uint32_t i = 0, x = 1; i < 300000; i++, x = x * 1664525 + 1013904223)
    noise += static_cast<char>(x >> 24);
  Read(noise);
  Read(std::string(5000000, 'x'));               // one line
  Read(std::string(1000000, '\0') + kMismatch);  // NULs
  std::string lines;
  for (int i = 0; i < 20000; i++)
    lines += "Could not load dynamic library 'lib" + std::to_string(i) + ".so'; dlerror: x\n";
  const LogReading reading = Read(lines);
  EXPECT_LE(reading.lines.size(), 300U);
  EXPECT_LE(reading.attempts.at(0).messages.at("library-not-loaded").fields.at("library").size(), 32U);
  EXPECT_EQ(reading.attempts.at(0).messages.at("library-not-loaded").count, 20000U);
}

TEST(Statements, AreTakenAsPeopleWriteThem) {
  auto statements = ReadStatements(
      R"({"context": {"OS": "Windows 10", "tf_version": "2.10.1", "gpu": "2x RTX 3060 12GB", "driver": "551.23"},
                                       "observed": {"container": true, "pip_list": ["a 1", "b 2"], "hat": "blue", "n": null}})");
  ASSERT_TRUE(statements.ok());
  EXPECT_EQ(statements->values.at("os"), "Windows 10");
  EXPECT_EQ(statements->values.at("pip_list"), "a 1; b 2");
  Facts facts;
  const std::set<std::string> taken = AddLog(LogReading(), *statements, BuiltInKnowledge(), true, facts);
  EXPECT_TRUE(taken.contains("gpu"));
  EXPECT_FALSE(taken.contains("hat"));
  ASSERT_NE(facts.gpus.Peek(), nullptr);
  EXPECT_EQ(*facts.gpus.Peek()->begin()->second.compute_capability.Peek(), "8.6");
  EXPECT_EQ(facts.gpus.origin().witness, Witness::kStated);
  EXPECT_EQ(facts.kernel_driver.version.Peek(), nullptr) << "Windows counts its drivers differently";
  for (const char* bad : {"", "[]", "{\"context\": 3}", "{"}) EXPECT_FALSE(ReadStatements(bad).ok()) << bad;
}

// Which sayings one statement holds.
std::set<std::string> SaidBy(const std::string& key, const std::string& value, std::vector<std::string> words,
                             std::vector<std::string> under = {}) {
  std::set<std::string> ids;
  for (const Said& said : SayingsIn({{key, value}}, {{"says-it", std::move(words), std::move(under)}}))
    ids.insert(said.id);
  return ids;
}

TEST(Sayings, AreWordsOfTheirOwnAndNotTakenBack) {
  const auto says = [](const std::string& key, const std::string& value, const std::string& words) {
    return !SaidBy(key, value, {words}).empty();
  };
  EXPECT_TRUE(says("os", "Ubuntu in VirtualBox", "virtualbox"));
  EXPECT_TRUE(says("install_method", "Docker-Desktop", "docker desktop"));
  EXPECT_TRUE(says("install_method", "docker  desktop 4", "docker desktop"));
  EXPECT_FALSE(says("install_method", "dockerdesktop", "docker desktop"));
  EXPECT_TRUE(says("symptom", "after suspending it", "suspend*"));
  EXPECT_FALSE(says("symptom", "after suspending it", "suspend"));
  EXPECT_FALSE(says("symptom", "unsuspended", "suspend*"));
  EXPECT_TRUE(says("path", "/usr/local/cuda/lib64/stubs:/usr", "/stubs"));
  // The key speaks, too.
  EXPECT_TRUE(says("after_suspend", "true", "after suspend"));
  EXPECT_TRUE(says("after_suspend", "Yes", "suspend*"));
  EXPECT_FALSE(says("after_suspend", "false", "suspend*"));
  EXPECT_TRUE(says("nvidia_smi_ok", "false", "not nvidia smi ok"));
  EXPECT_FALSE(says("nvidia_smi_ok", "true", "not nvidia smi ok"));
  EXPECT_TRUE(says("docker", "snap", "docker snap"));
  // Taken back.
  for (const char* denied : {"no Docker Desktop", "not in Docker Desktop", "without the Docker Desktop"})
    EXPECT_FALSE(says("install_method", denied, "docker desktop")) << denied;
  EXPECT_TRUE(says("install_method", "not podman but Docker Desktop", "docker desktop"));
  for (const char* denied : {"shows no devices", "shows nothing"})
    EXPECT_FALSE(says("nvidia-smi", denied, "shows")) << denied;
  EXPECT_TRUE(says("nvidia-smi", "shows the notebook's GPU", "shows"));
  EXPECT_TRUE(says("symptom", "the laptop slept: no GPU since", "slept"));
  EXPECT_TRUE(says("symptom", "the laptop slept: unknown error", "slept"));
  for (const char* denied : {"disabled", "off", "is off", "never"})
    EXPECT_FALSE(says("secure_boot", denied, "secure boot")) << denied;
  EXPECT_TRUE(says("secure_boot", "on", "secure boot"));
  EXPECT_FALSE(says("check", "nouveau is blacklisted", "nouveau"));
  EXPECT_FALSE(says("tried", "blacklisted nouveau", "nouveau"));
  EXPECT_FALSE(says("tried", "I have disabled the Secure Boot", "secure boot"));
  // All that is said.
  EXPECT_TRUE(says("terminal", "true", "=terminal"));
  EXPECT_FALSE(says("terminal", "fails", "=terminal"));
  EXPECT_TRUE(says("note", "no Docker Desktop here, Docker Desktop there", "docker desktop"));
  // Beyond ASCII, at the ends, and nothing.
  EXPECT_TRUE(says("note", "é kvm", "kvm"));
  EXPECT_FALSE(says("note", "ékvm", "kvm"));
  EXPECT_FALSE(says("", "", "kvm"));
  EXPECT_FALSE(says("note", "kv", "kvm"));
  // Groups of words in one sentence.
  const std::string low = "gpu util*|gpu load* .. low|0 % .. !cpu";
  EXPECT_TRUE(says("symptom", "The GPU load is low", low));
  EXPECT_TRUE(says("symptom", "It is slow. Very low, the gpu-util", low));
  EXPECT_FALSE(says("symptom", "The GPU load is high. The loss is low", low));
  EXPECT_FALSE(says("symptom", "The GPU load is as low as the CPU's", low));
  EXPECT_FALSE(says("symptom", "No GPU load, low or not", low));
  EXPECT_FALSE(says("symptom", "", low));
  EXPECT_TRUE(SaidBy("symptom", "works", {"works"}, {"terminal"}).empty());
  EXPECT_FALSE(SaidBy("in the terminal", "works", {"works"}, {"terminal"}).empty());
}

// A name that is nowhere in the data would never be seen, and nobody would notice.
TEST(Sayings, AndMessagesThatRulesNameExist) {
  std::set<std::string, std::less<>> known, sayings, named;
  for (const MessageRow& row : *BuiltInKnowledge().Messages()) known.emplace(row.id);
  for (const SayingRow& row : BuiltInKnowledge().Sayings()) {
    EXPECT_TRUE(sayings.insert(row.id).second) << row.id;
    known.insert(row.id);
  }
  const std::regex call(R"(\b(Saw|SawAny|Proves|Speaks|Message|Field|Fields|FieldHas|Harmless)\(([^;]*?)\))");
  const std::regex name(R"re("([a-z0-9]+(-[a-z0-9]+)+)")re");
  for (const auto& entry :
       std::filesystem::recursive_directory_iterator(std::filesystem::path(TFDOCTOR_SOURCE_DIR) / "src")) {
    if (entry.path().extension() != ".cpp") continue;
    std::ifstream in(entry.path());
    const std::string text((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
    for (std::sregex_iterator at(text.begin(), text.end(), call), end; at != end; ++at) {
      const std::string arguments = (*at)[2].str();
      for (std::sregex_iterator word(arguments.begin(), arguments.end(), name); word != end; ++word) {
        EXPECT_TRUE(known.contains((*word)[1].str())) << entry.path() << ": " << (*word)[1].str();
        named.insert((*word)[1].str());
      }
    }
    for (const std::string& saying : sayings) {
      if (text.find('"' + saying + '"') != std::string::npos) named.insert(saying);
    }
  }
  for (const std::string& saying : sayings) EXPECT_TRUE(named.contains(saying)) << saying << " serves nobody";
}

TEST(Resemblance, FindsThePageThatSpeaksOfTheSame) {
  const auto first = [](std::string_view text) {
    const std::vector<Resemblance> like = Resembling(text, BuiltInKnowledge(), AllRules());
    return like.empty() ? std::string() : std::string(like[0].rule->id);
  };
  EXPECT_EQ(first("compiling the module with dkms stops: the gcc differs from that of the kernel headers"),
            "dkms-build-failed");
  EXPECT_EQ(first("The pod's manifest has no nvidia.com/gpu under limits"), "kubernetes-gpu-not-requested");
  EXPECT_EQ(first("LICENCE server of the vGPU cannot be reached, token expired"), "vgpu-licence-or-profile");
  for (const char* nothing : {"", "hello world", "Epoch 1/5 loss: 0.3 accuracy: 0.9 - 3s 2ms/step",
                              "0 1 2 3 4 5 6 7 8 9", "\xff\xfe\x00 the of and", "the GPU"})
    EXPECT_EQ(first(nothing), "") << nothing;
  // Shares of one: a page is not likelier than certain, and all of them together are not either.
  const std::vector<Resemblance> like =
      Resembling("the second notebook fails while the first one is open", BuiltInKnowledge(), AllRules());
  ASSERT_FALSE(like.empty());
  double sum = 0;
  for (const Resemblance& one : like) {
    EXPECT_GT(one.share, 0);
    EXPECT_GE(one.words.size(), 3U);
    sum += one.share;
  }
  EXPECT_LE(sum, 1);
  EXPECT_TRUE(Resembling("the pod's manifest", BuiltInKnowledge(), {}).empty());
}

TEST(Errors, AreFoundByNameAndNumber) {
  auto libraries = [](std::string_view words) {
    std::set<std::string> names;
    for (const ErrorRow& row : FindErrors(words, BuiltInKnowledge())) names.emplace(row.library);
    return names;
  };
  using Names = std::set<std::string>;
  EXPECT_EQ(libraries("CUDA_ERROR_804"), (Names{"CUDA driver", "CUDA runtime"}));
  EXPECT_EQ(libraries("804"), (Names{"CUDA driver", "CUDA runtime"}));
  EXPECT_EQ(libraries("303"), (Names{"CUDA driver", "CUDA runtime"}));
  EXPECT_EQ(libraries("Xid 79"), Names{"Xid"});
  EXPECT_EQ(libraries("NVML error 18"), Names{"NVML"});
  EXPECT_EQ(libraries("CUDNN_STATUS_NOT_INITIALIZED"), Names{"cuDNN"});
  EXPECT_EQ(libraries("cudaErrorInsufficientDriver"), Names{"CUDA runtime"});
  EXPECT_EQ(libraries("RESOURCE_EXHAUSTED"), Names{"TensorFlow"});
  EXPECT_TRUE(libraries("79").contains("Xid"));
  for (const char* none : {"", "hello", "12345678901234567890", "-1", "CUDA_ERROR_", "it failed with 804"})
    EXPECT_EQ(libraries(none), Names()) << none;
  EXPECT_TRUE(Saw(Read(AsLog(FindErrors("Xid 79", BuiltInKnowledge()))), "xid"));
}

TEST(Errors, OfCudaInALogAreReadByTheirNumber) {
  EXPECT_TRUE(Saw(Read("cudaGetDeviceCount returned 100\n"), "cuda-no-device"));
  EXPECT_TRUE(Saw(Read("cudaGetDeviceCount returned 38\n"), "cuda-no-device"));  // before CUDA 10.1
  EXPECT_TRUE(Saw(Read("cudaGetDeviceCount returned 35\n"), "cuda-insufficient-driver"));
  EXPECT_TRUE(Saw(Read("failed call to cuInit: UNKNOWN ERROR (303)\n"), "cuda-303"));
  EXPECT_TRUE(Saw(Read("Return value 46 from 'cudaMalloc(&p, n)'\n"), "cuda-busy"));
  EXPECT_TRUE(Saw(Read("RuntimeError: cuda runtime error (999) : unknown error\n"), "cuda-unknown"));
  // The line is told as what it means.
  const LogReading reading = Read("cuInit returned 802\n");
  ASSERT_EQ(reading.lines.size(), 1U);
  EXPECT_EQ(reading.lines[0].row->id, "cuda-not-ready");
  // No error, and none that is known.
  for (const char* other : {"cudaGetDeviceCount returned 0\n", "cudaGetDeviceCount returned 31337\n"}) {
    const LogReading none = Read(other);
    for (const Attempt& attempt : none.attempts) EXPECT_FALSE(attempt.Fails()) << other;
    EXPECT_TRUE(none.machine.empty()) << other;
  }
}

TEST(Prose, IsToldFromWhatProgramsPrint) {
  for (const char* sentence :
       {"I installed the driver from the repository and rebooted.", "Training is very slow",
        "After the update nvidia-smi works, but TensorFlow 2.10 does not see the GPU.", "low GPU usage",
        "When I run it in the terminal (bash), it works!"})
    EXPECT_TRUE(IsSentence(sentence)) << sentence;
  for (const char* other :
       {"", "Traceback:", "nvcc --version", "  File \"/usr/lib/python3/site.py\", line 12, in <module>",
        "tensorflow                2.15.0          cuda120py311h5cbd639_1    conda-forge",
        "2024-01-01 12:00:00.001: I tensorflow/core/platform/cpu.cc:94] CPU Frequency: 2496000000 Hz",
        "import tensorflow as tf; print(tf.__version__)", "0  N/A  N/A  1234  C  python  1000MiB",
        "\xff\xfe \x00\x01 \x02"})
    EXPECT_FALSE(IsSentence(other)) << other;
  EXPECT_EQ(Clauses("the kernel was updated, and nvidia-smi fails since"),
            (std::vector<std::string>{"the kernel was updated", "and nvidia-smi fails since"}));
  EXPECT_TRUE(Clauses(" , . ").size() <= 1);
  EXPECT_TRUE(Clauses("").empty());
}

// What people quote of a message: cut short, without its values, or in a sentence of their own.
TEST(Quotes, APartOfAMessageIsRecognised) {
  const std::pair<const char*, const char*> kQuotes[] = {
      {"Possibly insufficient driver version", "cudnn-insufficient-driver"},
      {"possibly insufficient driver version ...", "cudnn-insufficient-driver"},
      {"\"Loaded runtime CuDNN library: 7.1.4 but source was\"", "cudnn-version-mismatch"},
      {"it says `Loaded runtime CuDNN library` and stops", "cudnn-version-mismatch"},
      {"I get OOM when allocating tensor with shape in every epoch", "oom-tensor"},
      {"kernel version A does not match DSO version B", "versions-differ"},
      {"kernel version ... does not match DSO version ...", "versions-differ"},
  };
  for (const auto& [text, id] : kQuotes) EXPECT_TRUE(Saw(Read(text), id)) << text;
}

TEST(Quotes, OtherWordsAreNot) {
  for (const char* text :
       {"is older than the", "does not match", "the program was not found", "I have a GPU and it works",
        "which is older than mine", "A B C 1 2 3 ...", "... ... ...", "\"\" \"\" ``", "'",
        "my driver is of version 570 and my kernel of version 6.1"}) {
    const LogReading reading = Read(text);
    EXPECT_TRUE(reading.lines.empty()) << text;
  }
}

// In a log the words of one message stand in another, too.
TEST(Quotes, NotInALongText) {
  const std::string quote = "Possibly insufficient driver version\n";
  EXPECT_TRUE(Saw(Read("x\n" + quote), "cudnn-insufficient-driver"));
  EXPECT_FALSE(Saw(Read(std::string(3000, 'x') + "\n" + quote), "cudnn-insufficient-driver"));
}

// tests/logs/strings/<release>.txt: the literals of our data that a real wheel holds
// (tools/message_strings.py).
TEST(Messages, OfTensorFlowStandInRealWheels) {
  std::set<std::string> real;
  size_t releases = 0;
  for (const auto& entry : std::filesystem::directory_iterator(std::filesystem::path(TFDOCTOR_SOURCE_DIR) /
                                                               "tests/logs/strings")) {
    std::ifstream in(entry.path());
    for (std::string line; std::getline(in, line);) real.insert(line);
    releases++;
  }
  EXPECT_GE(releases, 3U);
  for (const MessageRow& row : *BuiltInKnowledge().Messages()) {
    if (row.by != "TensorFlow" || row.unchecked) continue;
    EXPECT_TRUE(std::any_of(
        row.texts.begin(), row.texts.end(),
        [&](std::string_view text) { return real.contains(std::string(Template(text).anchor())); }))
        << row.id
        << ": no wheel at hand prints it; if an older or newer release does, say so with releases and "
           "unchecked";
  }
}

// The texts that TensorFlow itself is said to print are in a wheel (tests/logs/strings-*.txt,
// tools/message_strings.py).
TEST(Messages, EachNamesACauseThatExistsAndHasItsOwnId) {
  std::set<std::string_view> ids, causes;
  for (const Rule* rule : AllRules()) {
    EXPECT_TRUE(rule->check != nullptr || rule->log != nullptr) << rule->id << " judges nothing";
    if (rule->log != nullptr) causes.insert(rule->id);
  }
  for (const MessageRow& row : *BuiltInKnowledge().Messages()) {
    EXPECT_TRUE(ids.insert(row.id).second) << row.id;
    EXPECT_TRUE(row.cause.empty() || causes.contains(row.cause)) << row.id << " is about " << row.cause;
    EXPECT_TRUE(row.kind != "harmless" || !row.meaning.empty());
    for (std::string_view text : row.texts) {
      EXPECT_GE(Template(text).anchor().size(), Scanner::kShortest) << text;
      EXPECT_LE(Template(text).anchor().size(), LogReader::kLongestAnchor) << text;
    }
  }
}

}  // namespace
}  // namespace tfdoctor
