// The last good state of an environment, `check --save`: what was read when TensorFlow could use the GPU.
#pragma once

#include <string>

#include "diagnose/diagnosis.h"
#include "facts/facts.h"
#include "system/system.h"

namespace tfdoctor {

// $XDG_STATE_HOME/tfdoctor/good/PREFIX.json, one for each sys.prefix; ~/.local/state where the variable is
// not set (XDG Base Directory Specification). An error where there is neither a home nor a Python.
Result<std::string> StatePath(const System& system, const Facts& facts);

// Puts the facts there with the time `when` ("2026-11-20T10:00:00Z"); whoever reads it meanwhile sees the old
// file or the new one. Folders that are missing are made, for this user only.
Result<bool> SaveState(const std::string& path, const Facts& facts, const std::string& when);

// What differs from what was saved there. Nothing if nothing was saved.
std::optional<SavedState> CompareState(const System& system, const std::string& path, const Facts& facts);

}  // namespace tfdoctor
