#include "host_fixture.h"

namespace coxswain::host::test {

std::unique_ptr<coxswain::Engine> HostTest::engine_;
std::unique_ptr<coxswain::Sae> HostTest::sae_;
Weights HostTest::weights_;

void HostTest::SetUpTestSuite() {
  weights_ = writeSae(scratch() / "sae", kWidth, kFeatures, seed());
  auto options = coxswain::sized<cox_engine_options>();
  options.threads = 2;
  engine_ = std::make_unique<coxswain::Engine>(options);
  sae_ = std::make_unique<coxswain::Sae>(*engine_, (scratch() / "sae").string());
}

void HostTest::TearDownTestSuite() {
  sae_.reset();
  engine_.reset();
}

}  // namespace coxswain::host::test
