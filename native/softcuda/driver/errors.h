// Names and descriptions of the driver's error codes.
#pragma once

#include "cuda_abi.h"

namespace softcuda {

struct ErrorText {
  int code;
  const char *name, *description;
};

const ErrorText* errorText(int code);  // null: no code of the driver

}  // namespace softcuda
