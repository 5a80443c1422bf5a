// The commands, each from the arguments to the exit status.
#pragma once

#include "command/arguments.h"
#include "main/look.h"

namespace tfdoctor {

int Check(Arguments& arguments, const Clock& clock);
int CheckAll(Arguments& arguments, const Clock& clock);  // --all
int ListProcesses(const Arguments& arguments);           // --pid without a number
int Explain(Arguments& arguments, const Clock& clock);
int ProveIt(Arguments& arguments, const Clock& clock);
int Record(Arguments& arguments, const Clock& clock);
int Diff(const Arguments& arguments);

}  // namespace tfdoctor
