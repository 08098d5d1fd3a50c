#include "check/checks.h"

namespace softcuda {

void check(Access& a) {
  Launch& launch = *a.w.cta->launch;
  switch (a.space) {
    case ptx::Space::global:
      if (launch.options.count) countGlobal(a);
      checkValues(a);
      if (launch.checks(Check::globalRace)) checkGlobalRace(a);
      break;
    case ptx::Space::shared:
      if (launch.options.count) countShared(a);
      checkValues(a);
      if (launch.checks(Check::sharedRace)) checkSharedRace(a);
      break;
    case ptx::Space::local:
      if (launch.options.count) ++a.w.worker->counters.localRequests;
      checkValues(a);
      break;
    case ptx::Space::param:
      if (!a.w.undefined.empty()) moveParameters(a);
      break;
    default:
      break;
  }
}

}  // namespace softcuda
