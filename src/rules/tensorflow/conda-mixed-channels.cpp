#include <fmt/format.h>

#include "base/text.h"
#include "diagnose/rule.h"
#include "rules/common.h"
#include "rules/conda.h"
#include "rules/logs.h"

namespace tfdoctor::conda_mixed_channels {

namespace {

// Which names are libraries with a C++ interface that conda's TensorFlow is linked with: these must come from
// the channel that it was built in.
constexpr const char* kLinked[] = {"snappy",  "libprotobuf", "libabseil", "abseil-cpp",
                                   "libgrpc", "grpc-cpp",    "re2",       "double-conversion"};

Verdict Check(const Facts& facts, const Knowledge&) {
  if (!facts.tensorflow.folder.Present() || facts.python.conda.Absent()) return Verdict::Silent();
  const CondaBuild build = FindCondaTensorFlow(facts);
  if (build.package == nullptr) return Verdict::Silent();
  const auto* packages = facts.python.conda.Get();
  const std::string* channel = build.package->channel.Get();
  if (packages == nullptr || channel == nullptr) return Verdict::Silent();
  for (const char* name : kLinked) {
    auto found = packages->find(name);
    if (found == packages->end()) continue;
    const std::string* other = found->second.channel.Get();
    if (other == nullptr || *other == *channel) continue;
    // Binary compatible or not, only the loader tells.
    return Verdict::Open()
        .Because(build.package->channel, fmt::format("conda's {} comes from {}", build.name, *channel))
        .Because(found->second.channel,
                 fmt::format("{}, which it is linked with, comes from {}", name, *other), Strength::kWeak)
        .WithReason(name)
        .WithFix(Advice(
            "Take all packages of this environment from one channel",
            {fmt::format("conda install -c {} --override-channels --update-all", ShellQuote(*channel))}));
  }
  return Verdict::Silent();
}

void JudgeLog(Signs& s) {
  const LogStory& story = s.story;
  const SeenMessage* symbol = story.Message("undefined-symbol");
  s.States(story.conda && story.Saw("says-missing-symbol") && story.Saw("says-conda-forge"),
           "says-conda-forge", "packages of conda-forge and of another channel need not fit each other",
           kStrong);
  if (story.conda && story.trouble) s.Speaks("says-two-channels", kStrong);
  if (story.Saw("conda-of-defaults")) s.Speaks("conda-of-forge", kStrong);
  s.States(story.Saw("says-conda-forge") && story.Saw("says-defaults-channel"), "says-defaults-channel",
           "packages come from conda-forge and from defaults",
           story.SawAny({"undefined-symbol", "import-library"}) ? kDecisive : kStrong);
  if (symbol == nullptr) return;
  const bool conda_path = symbol->text.Peek()->find("conda") != std::string::npos || story.conda;
  if (!conda_path) return;
  const std::string method = story.Stated("install_method");
  const bool both = method.find("defaults") != method.npos || method.find("channels") != method.npos;
  if (both) {
    s.Proves("undefined-symbol");
  } else {
    s.Speaks("undefined-symbol", kStrong);
  }
}

}  // namespace

extern const Rule rule;
constinit const Rule rule = {
    .id = "conda-mixed-channels",
    .link = Link::kTensorFlow,
    .effect = Effect::kBlocks,
    .title = "Packages of different conda channels are mixed",
    .prior = 0.01,
    .explained_by = {{{"wrong-python-environment"}, {"module-shadowed"}}},
    .check = Check,
    .log = JudgeLog,
    .page = R"md(## What it means

conda-forge and Anaconda's own channel build their packages with different compilers and settings. TensorFlow of the one with a library of the other may fail to load, with a symbol that is missing.

## How it is recognised

In `conda-meta` TensorFlow and a C++ library that it is linked with (snappy, libprotobuf, abseil, gRPC, re2) come from different channels. Message: "undefined symbol: _ZTIN6snappy4SinkE". Whether the two fit by chance cannot be told from the files, so the cause stays open.

## How it happens

`conda install` takes from whatever channel is configured, and `-c conda-forge` given once does not bind later installations.

## What people say

"defaults and conda-forge in one environment", "undefined symbol after adding a channel", "channel_priority strict helped", "libprotobuf of one channel, protobuf of another".

## How to fix it

Make the environment again from one channel:

    conda create -n tensorflow-gpu -c conda-forge --override-channels 'tensorflow=*=cuda*'
)md",
};

}  // namespace tfdoctor::conda_mixed_channels
