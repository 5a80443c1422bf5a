// Code in a .pth file, and whether it can change what an import finds.
#pragma once

#include <string_view>

namespace tfdoctor {

// True: nothing in this text can, as far as its tokens tell. It imports only modules that are known to change
// nothing, names nothing else that it did not bind itself but harmless built-ins, and sets no environment
// variable. Such code trusts a certificate, say, or starts a profiler's file. site.py runs it in its own
// names, so that `addsitedir` would be there without an import.
bool LeavesImportsAlone(std::string_view code);

}  // namespace tfdoctor
