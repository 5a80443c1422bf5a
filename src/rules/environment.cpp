#include "rules/environment.h"

#include "rules/common.h"

namespace tfdoctor {

bool LacksTensorFlow(const Facts& facts) { return facts.tensorflow.folder.Absent() && SysPathIsKnown(facts); }

}  // namespace tfdoctor
