// What a GPU reports as an error of the launch, caught on the threads that run blocks.
#pragma once

namespace mnr_host
{
// Once a process, and before a launch: whoever handled faults before still handles those of other threads.
void installFaultHandler();

// Once a thread that is going to run blocks.
void catchFaultsOfThisThread();
}
