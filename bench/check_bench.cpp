// Where the time of a check goes, inside one process: each stage on the environment named by BENCH_PYTHON.
#include <benchmark/benchmark.h>

#include <cstdlib>

#include "diagnose/diagnose.h"
#include "probes/probes.h"
#include "python/program.h"
#include "rules/all.h"

namespace tfdoctor {
namespace {

Question AskedQuestion() {
  Question question;
  const char* python = std::getenv("BENCH_PYTHON");
  question.python = python == nullptr ? "" : python;
  return question;
}

void BM_ProbeAll(benchmark::State& state) {
  auto system = LiveSystem(Looks::kOne);
  Question question = AskedQuestion();
  for (auto _ : state) {
    Facts facts = ProbeAll(*system, BuiltInKnowledge(), question);
    benchmark::DoNotOptimize(facts);
  }
}
BENCHMARK(BM_ProbeAll)->Unit(benchmark::kMicrosecond);

void BM_Probe(benchmark::State& state, Probe probe) {
  auto system = LiveSystem(Looks::kOne);
  Question question = AskedQuestion();
  Facts before = ProbeAll(*system, BuiltInKnowledge(), question);
  for (auto _ : state) {
    Facts facts = before;
    probe(*system, BuiltInKnowledge(), question, facts);
    benchmark::DoNotOptimize(facts);
  }
}
BENCHMARK_CAPTURE(BM_Probe, host, ProbeHost)->Unit(benchmark::kMicrosecond);
BENCHMARK_CAPTURE(BM_Probe, hardware, ProbeHardware)->Unit(benchmark::kMicrosecond);
BENCHMARK_CAPTURE(BM_Probe, python, ProbePython)->Unit(benchmark::kMicrosecond);
BENCHMARK_CAPTURE(BM_Probe, tensorflow, ProbeTensorFlow)->Unit(benchmark::kMicrosecond);
BENCHMARK_CAPTURE(BM_Probe, libraries, ProbeLibraries)->Unit(benchmark::kMicrosecond);

// A program of 5,000 lines, as people write them.
void BM_ReadProgram(benchmark::State& state) {
  std::string text = "import os\nimport tensorflow as tf\n";
  for (int i = 0; i < 500; i++) {
    text += "\nclass Layer" + std::to_string(i) +
            "(tf.keras.layers.Layer):\n"
            "    \"\"\"A layer of its own.\"\"\"\n"
            "    def __init__(self, units=32, **kwargs):  # as usual\n"
            "        super().__init__(**kwargs)\n"
            "        self.units = {\"dense\": [units, units * 2], 'name': f\"layer-{units!r:>{10}}\"}\n"
            "    def call(self, inputs, training=None):\n"
            "        x = tf.matmul(inputs, self.w) + self.b if training else tf.nn.relu(inputs)\n"
            "        return x[..., :-1]\n"
            "os.environ[\"TF_VARIABLE\"] = '1'\n";
  }
  for (auto _ : state) {
    auto reading = ReadProgramText(text, false);
    benchmark::DoNotOptimize(reading);
  }
}
BENCHMARK(BM_ReadProgram)->Unit(benchmark::kMicrosecond);

void BM_Diagnose(benchmark::State& state) {
  auto system = LiveSystem(Looks::kOne);
  Facts facts = ProbeAll(*system, BuiltInKnowledge(), AskedQuestion());
  for (auto _ : state) {
    Diagnosis diagnosis = Diagnose(facts, BuiltInKnowledge(), AllRules());
    benchmark::DoNotOptimize(diagnosis);
  }
}
BENCHMARK(BM_Diagnose)->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace tfdoctor

BENCHMARK_MAIN();
