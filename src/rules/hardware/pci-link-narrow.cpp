#include <fmt/format.h>

#include <cstdlib>

#include "diagnose/rule.h"
#include "rules/common.h"

namespace tfdoctor::pci_link_narrow {

namespace {

// A link of 4 lanes (a slot, Thunderbolt) is felt little; of 1 or 2 a GPU that has more waits for its input.
// The number of lanes stays while the GPU rests, unlike the speed of each.
constexpr int kFew = 2, kMany = 8;

int Number(const Fact<std::string>& fact) {
  const std::string* text = fact.Get();
  return text == nullptr ? 0 : std::atoi(text->c_str());
}

Verdict Check(const Facts& facts, const Knowledge&) {
  for (const Gpu* gpu : NvidiaGpus(facts)) {
    const int lanes = Number(gpu->lanes), most = Number(gpu->most_lanes);
    if (lanes == 0 || lanes > kFew || most < kMany) continue;
    return Verdict::Holds()
        .Because(gpu->lanes,
                 fmt::format("{} is attached by {} of its {} PCI Express lanes", Describe(*gpu), lanes, most))
        .WithFix(Advice(
            "Put the GPU into the slot next to the processor, without an extension cable; a GPU that is "
            "in it: switch off, take it out and in again",
            {"nvidia-smi --query-gpu=name,pcie.link.width.current,pcie.link.width.max --format=csv"}));
  }
  return Verdict::Silent();
}

}  // namespace

extern const Rule rule;
constinit const Rule rule = {
    .id = "pci-link-narrow",
    .link = Link::kHardware,
    .effect = Effect::kDegrades,
    .title = "Data reaches the GPU through few PCI Express lanes",
    .prior = 0.005,
    .check = Check,
    .page = R"md(## What it means

The GPU computes at full speed, but what it computes on reaches it at an eighth of the speed or less. Training on images or other large input waits.

## How it is recognised

`/sys/bus/pci/devices/*/current_link_width` is 1 or 2, `max_link_width` 8 or more.

## How it happens

The GPU sits in a slot with few lanes or on an extension cable (as mining machines have them), or a contact is dirty or loose.

## What people say

"The card runs at x1 or x4", "slow transfers, riser".

## How to fix it

Put it into the slot next to the processor (x16). Where it is in it: switch off, take it out and in again.
)md",
};

}  // namespace tfdoctor::pci_link_narrow
