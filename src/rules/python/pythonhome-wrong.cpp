#include <fmt/format.h>

#include "base/text.h"
#include "diagnose/rule.h"
#include "rules/common.h"

namespace tfdoctor::pythonhome_wrong {

namespace {

Verdict Check(const Facts& facts, const Knowledge&) {
  if (facts.python.base_prefix.Present())
    return Verdict::Excluded().Because(facts.python.base_prefix,
                                       "the standard library of this Python is there");
  if (facts.python.base_prefix.Unknown()) return Verdict::Silent();
  const auto& home = facts.environment.Variable("PYTHONHOME");
  const std::string* value = home.Get();
  if (value == nullptr || value->empty()) return Verdict::Silent();
  const std::string* version = facts.python.version.Peek();
  return Verdict::Holds()
      .Because(home, "PYTHONHOME=" + Printable(*value, 200))
      .Because(facts.python.base_prefix, fmt::format("no standard library of Python{} is there",
                                                     version == nullptr ? std::string() : " " + *version))
      // Not tried: what else is broken only shows when Python starts, and is not this repair's doing.
      .WithFix(Advice("Remove the variable PYTHONHOME", {"unset PYTHONHOME"}));
}

}  // namespace

extern const Rule rule;
constinit const Rule rule = {
    .id = "pythonhome-wrong",
    .link = Link::kPython,
    .effect = Effect::kBlocks,
    .title = "PYTHONHOME leads to no standard library, so Python does not start",
    .prior = 0.005,
    .check = Check,
    .page = R"md(## What it means

PYTHONHOME tells Python where its own standard library lies. Where that is a folder without one, or with one of another version, Python stops at once, before it reads your program.

## How it is recognised

The folder that PYTHONHOME names has no `lib/pythonX.Y/os.py` for the version of this interpreter. Message of Python: "init_fs_encoding: failed to get the Python codec of the filesystem encoding", "No module named 'encodings'".

## How it happens

Another program (a database, a CAD package, an environment module) set the variable for a Python of its own, or it is left in `~/.bashrc` from an installation that is gone. Virtual environments and conda need no PYTHONHOME.

## What people say

"No module named encodings", "Python does not start at all", "init_fs_encoding", "could not find platform independent libraries <prefix>".

## How to fix it

Remove the variable, and the line that sets it:

    unset PYTHONHOME
)md",
};

}  // namespace tfdoctor::pythonhome_wrong
