// What starts containers: inside one, of the engine that started it; outside, of those that are installed.
#pragma once

#include "facts/facts.h"
#include "system/system.h"

namespace tfdoctor {

// Inside a container.
void ReadEngineFromInside(const System& system, ContainerEngine& engine);
// Outside.
void ReadInstalledEngines(const System& system, ContainerEngine& engine);

}  // namespace tfdoctor
