#include "knowledge/xla.h"

#include "base/text.h"

namespace tfdoctor {

bool XlaRunsPtxas(const std::string& tensorflow, const std::string& ptxas) {
  return CompareVersions(tensorflow, "2.17") < 0 ||
         (CompareVersions(ptxas, "11.8") >= 0 && CompareVersions(ptxas, "12.3.103") != 0);
}

}  // namespace tfdoctor
