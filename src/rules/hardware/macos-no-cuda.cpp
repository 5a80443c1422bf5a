#include "base/text.h"
#include "diagnose/rule.h"
#include "rules/logs.h"

namespace tfdoctor::macos_no_cuda {

namespace {

void JudgeLog(Signs& s) {
  const LogStory& story = s.story;
  // Up to 1.1 there were builds with CUDA: one that opens libraries of it may be such a one.
  if (!story.mac || story.MaySee("says-apple-silicon") || story.MaySee("of-apple-silicon") ||
      story.MaySee("import-library") || story.MaySee("library-not-loaded"))
    return;
  // That an import or an installation fails, needs no GPU.
  const Fact<std::string>& unread = story.facts.log.unread;
  const std::string words = unread.Peek() == nullptr ? std::string() : Lower(*unread.Peek());
  const bool speaks_of_it = words.empty()
                                ? unread.state() != FactState::kUnknown
                                : words.find("gpu") != words.npos || words.find("cuda") != words.npos;
  const bool asked = (story.only_stated && speaks_of_it) || GpuTrouble(story) || story.Saw("nvml-no-library");
  s.StatesProof(WantsGpuPackageOnMac(story), "os", "tensorflow-gpu for macOS ended with 1.1");
  s.StatesProof(asked, "os", "macOS: its TensorFlow has had no CUDA since 1.2");
  s.States(!asked && speaks_of_it && !story.harmless, "os", "macOS: its TensorFlow has had no CUDA since 1.2",
           kWeak);
}

}  // namespace

extern const Rule rule;
constinit const Rule rule = {
    .id = "macos-no-cuda",
    .link = Link::kHardware,
    .effect = Effect::kBlocks,
    .title = "There is no TensorFlow with CUDA for macOS",
    .prior = 0.02,
    .log = JudgeLog,
    .page = R"md(## What it means

TensorFlow's builds for macOS have had no CUDA since 1.2, and NVIDIA has had no driver for macOS since 10.14.

## How it is recognised

macOS on an Intel processor; no line names CUDA.

## How it happens

Old guides speak of CUDA on Macs.

## What people say

"MacBook, iMac, macOS", "eGPU or AMD Radeon on a Mac", "tensorflow-gpu for Mac, darwin", "NVIDIA web driver".

## How to fix it

Use a machine with Linux and an NVIDIA GPU, or a hosted one. On Macs with Apple's own processor there is the plug-in tensorflow-metal.
)md",
};

}  // namespace tfdoctor::macos_no_cuda
