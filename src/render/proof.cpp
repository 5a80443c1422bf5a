#include "render/proof.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "render/text.h"

namespace tfdoctor {

namespace {

std::string Bytes(double bytes) {
  constexpr double kGiga = 1024.0 * 1024 * 1024;
  return bytes >= kGiga ? fmt::format("{:.1f} GiB", bytes / kGiga)
                        : fmt::format("{:.0f} MiB", bytes / 1024 / 1024);
}

// The figures of one step in words.
class Words {
 public:
  explicit Words(const ProvedStep& step) : step_(step) {}

  std::string Get() {
    if (step_.name == "devices") {
      Devices();
    } else if (step_.name == "add") {
      if (const auto* result = step_.Find<std::string>("result")) Add("[1 2 3] + [4 5 6] = [{}]", *result);
    } else if (step_.name.starts_with("train-") || step_.name == "xla") {
      Training();
    } else if (step_.Find<double>("largest_difference") != nullptr &&
               step_.Find<std::string>("precision") != nullptr) {
      Product();
    } else {
      Deep();
    }
    return Join(parts_, ", ");
  }

 private:
  template <class... T>
  void Add(fmt::format_string<T...> format, T&&... values) {
    parts_.push_back(fmt::format(format, std::forward<T>(values)...));
  }
  // 0: there is none.
  double Number(const char* name) const {
    if (const auto* whole = step_.Find<int64_t>(name)) return static_cast<double>(*whole);
    const auto* number = step_.Find<double>(name);
    return number == nullptr ? 0 : *number;
  }

  void Devices() {
    const auto* names = step_.Find<std::string>("logical_devices");
    if (names == nullptr) return;
    for (const std::string& device : Split(*names, ',')) {
      std::string text(Trim(device));
      std::vector<std::string> about;
      if (const auto* name = step_.Find<std::string>(text + "_name")) about.push_back(*name);
      if (const auto* capability = step_.Find<std::string>(text + "_compute_capability"))
        about.push_back("compute capability " + *capability);
      const double memory = Number((text + "_memory_bytes").c_str());
      if (memory > 0) about.push_back(Bytes(memory));
      if (!about.empty()) text += fmt::format(" ({})", Join(about, ", "));
      parts_.push_back(text);
    }
    const double physical = Number("physical_gpus");
    if (physical > Number("logical_gpus")) Add("of {:.0f} GPUs in the machine", physical);
    if (const auto* visible = step_.Find<std::string>("cuda_visible_devices"))
      Add("CUDA_VISIBLE_DEVICES={}", *visible);
  }

  void Product() {
    const double milliseconds = Number("milliseconds");
    if (milliseconds >= 1000) Add("{:.3g} s", milliseconds / 1000);
    if (milliseconds > 0 && milliseconds < 1000) Add("{:.3g} ms", milliseconds);
    if (Number("times_faster_than_cpu") > 0)
      Add("{:.3g} times the speed of the CPU", Number("times_faster_than_cpu"));
    if (const auto* precision = step_.Find<std::string>("precision")) Add("right within {}", *precision);
    if (step_.Find<int64_t>("taken_bytes") != nullptr) Add("took {}", Bytes(Number("taken_bytes")));
    if (Number("without_growth_bytes") > 0)
      Add("without memory growth it would be {}", Bytes(Number("without_growth_bytes")));
  }

  void Deep() {
    if (Number("float16_tolerance") > 0)
      Add("float16{}", Number("bfloat16_tolerance") > 0 ? " and bfloat16" : "");
    if (step_.name == "all-gpus" && Number("gpus") > 0)
      Add("{:.0f} GPU{}", Number("gpus"), Number("gpus") == 1 ? "" : "s");
    if (const bool* reduced = step_.Find<bool>("all_reduce"); reduced != nullptr && *reduced)
      Add("the sum over all is right");
    if (Number("filled_bytes") > 0)
      Add("{0:.0f}x{0:.0f}, {1} filled", Number("size"), Bytes(Number("filled_bytes")));
    if (Number("products") > 0)
      Add("{:.0f} products in {:.0f} s, all that were looked at right", Number("products"),
          Number("load_seconds"));
    if (Number("hottest_celsius") > 0) Add("at most {:.0f} °C", Number("hottest_celsius"));
    if (step_.Find<int64_t>("uncorrectable_errors") != nullptr)
      Add("{:.0f} uncorrectable memory errors", Number("uncorrectable_errors"));
  }

  void Training() {
    if (Number("training_steps") <= 0) return;
    Add("loss {:.2f} to {:.4f} in {:.0f} steps", Number("first_loss"), Number("last_loss"),
        Number("training_steps"));
    Add("{:.0f} steps a second", Number("steps_per_second"));
    const double on_cpu = Number("cpu_steps_per_second");
    if (on_cpu > 0)
      Add("CPU {:.0f}{}", on_cpu,
          on_cpu > Number("steps_per_second") ? " (so small a network suits the CPU)" : "");
    const double ran =
        Number("forward_operations") + Number("backward_operations") + Number("update_operations");
    if (ran > 0 && !step_.device.empty()) Add("forward, backward and update on {}", step_.device);
  }

  const ProvedStep& step_;
  std::vector<std::string> parts_;
};

// Messages of TensorFlow have several lines.
std::string OneLine(const std::string& text) {
  std::string line;
  for (const std::string_view part : SplitLines(text)) {
    const std::string_view words = Trim(part);
    if (!words.empty()) line += (line.empty() ? "" : " ") + std::string(words);
  }
  constexpr size_t kLongest = 500;  // the whole is in the JSON and in the log
  if (line.size() > kLongest) {
    line.resize(kLongest);
    line += " …";
  }
  return line;
}

Mark MarkOf(StepState state) {
  switch (state) {
    case StepState::kPassed:
      return {"✔", "[ok]", Tone::kGood};
    case StepState::kFailed:
      return {"✘", "[XX]", Tone::kBad};
    case StepState::kSkipped:
      break;
  }
  return {"·", "[--]", Tone::kFaint};
}

std::string FirstLine(const Proof& proof) {
  const size_t all = proof.steps.size();
  const std::string version = proof.tensorflow.empty() ? "TensorFlow" : "TensorFlow " + proof.tensorflow;
  const auto count = [&](StepState state) {
    return std::count_if(proof.steps.begin(), proof.steps.end(),
                         [state](const ProvedStep& step) { return step.state == state; });
  };
  if (!proof.unstarted.empty()) return fmt::format("No step could be run: {}.", proof.unstarted);
  if (proof.AllPassed()) {
    return fmt::format("Proved: {} {} on {} ({} of {} steps passed).", version,
                       all >= 6 ? "computes and trains" : "passes what was asked", proof.device, all, all);
  }
  return fmt::format("{} does not {} on {}: of {} steps {} passed, {} failed, {} {} not run.", version,
                     proof.Computed() ? "do all that was asked" : "compute", proof.device, all,
                     count(StepState::kPassed), count(StepState::kFailed), count(StepState::kSkipped),
                     count(StepState::kSkipped) == 1 ? "was" : "were");
}

void Steps(const Proof& proof, Printer& print) {
  constexpr size_t kNameWidth = 16;
  constexpr size_t kNarrow = 60;
  const bool unicode = print.options().unicode;
  for (const ProvedStep& step : proof.steps) {
    const Mark mark = MarkOf(step.state);
    const std::string start =
        fmt::format("    {} {}", print.Toned(mark.tone, unicode ? mark.unicode : mark.ascii),
                    print.Toned(mark.tone, step.name));
    const bool absent = step.name == "devices" && step.state == StepState::kFailed;  // the message says all
    std::string text = absent ? std::string() : Words(step).Get();
    if (!step.message.empty() &&
        (step.state != StepState::kPassed || text.empty() || print.options().verbose))
      text += (text.empty() ? "" : "; ") + OneLine(step.message);
    if (step.state != StepState::kSkipped) text += fmt::format(" [{:.2f} s]", step.seconds);
    if (print.options().width < kNarrow) {
      print.Wrapped("", start);
      print.Wrapped(print.Safe(text), "        ", "        ");
      continue;
    }
    const std::string prefix = start + std::string(kNameWidth - std::min(kNameWidth, step.name.size()), ' ');
    print.Wrapped(print.Safe(text), prefix, std::string(DisplayWidth(prefix), ' '));
  }
}

}  // namespace

std::string RenderProof(const Proof& proof, const Diagnosis& diagnosis, const Facts& facts,
                        const TextOptions& options) {
  Printer print(options);
  const bool passed = proof.AllPassed();
  print.Wrapped(print.Toned(passed ? Tone::kGood : Tone::kBad, print.Safe(FirstLine(proof))));
  if (!proof.by.empty() && proof.unstarted.empty()) {
    print.Prose(print.Safe(proof.by == "Python"
                               ? fmt::format("Run by the environment's own Python ({}).", proof.note)
                               : "Run by TensorFlow's own libraries, without Python."));
  }
  if (proof.unstarted.empty()) {
    print.Blank();
    Steps(proof, print);
  }
  if (!proof.disagreement.empty()) {
    print.Heading("A fault of tfdoctor");
    print.Prose(print.Safe(proof.disagreement + ". The two must agree: please report it with the file that "
                                                "`tfdoctor record -o prove.tfdoctor` writes."),
                "  ", "  ");
  }
  if (passed) {
    print.Blank();
    print.Prose(proof.OnGpu()
                    ? "What may still slow it down: tfdoctor check"
                    : "This says nothing of the GPU: tfdoctor prove --device GPU:0, or tfdoctor check");
    return print.Take();
  }
  print.Blank();
  return print.Take() + RenderText(diagnosis, facts, options);
}

}  // namespace tfdoctor
