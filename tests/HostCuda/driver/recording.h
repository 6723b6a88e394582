// Writes launches with their memory to a file, for the replayer.
#pragma once

#include "state.h"

namespace mnr_driver
{
// Appends a launch that is about to run, where a recording is wanted and not full.
void record(const MnrHostLaunch& launch, Context& context);
}
