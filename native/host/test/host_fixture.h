// What the host tests share: one engine, and how an error is expected.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "inputs.h"

namespace coxswain::host::test {

// One engine and SAE for all tests of a program; the JVM is started once a process anyway.
class HostTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite();
  static void TearDownTestSuite();

  static coxswain::Engine& engine() { return *engine_; }
  static coxswain::Sae& sae() { return *sae_; }
  static const Weights& weights() { return weights_; }

  static coxswain::Plan add(int feature, double strength, const std::string& more = "") {
    return coxswain::Plan(engine(), sae(), kLayer, addPlan(feature, strength, more));
  }

 private:
  static std::unique_ptr<coxswain::Engine> engine_;
  static std::unique_ptr<coxswain::Sae> sae_;
  static Weights weights_;
};

// What a failing call returns and says.
#define EXPECT_COX_ERROR(status, text, call)                                                    \
  do {                                                                                          \
    EXPECT_EQ(status, call);                                                                    \
    EXPECT_NE(std::string(cox_last_error()).find(text), std::string::npos) << cox_last_error(); \
  } while (false)

}  // namespace coxswain::host::test
