// Contexts: each device's primary one, and others.
#include "state.h"

#include <algorithm>

using namespace mnr_driver;

namespace
{
Context* createContext(int device, unsigned flags)
{
    Context* context = new Context();
    context->device = device;
    context->flags = flags;
    context->defaultStream.context = context;
    state().contexts.insert(context);
    return context;
}

// Everything in a context ends with it; its handles are stale from then on.
void destroyContext(Context* context)
{
    State& all = state();
    for (Stream* stream : context->streams)
    {
        all.streams.erase(stream);
        retire(stream);
    }
    const auto eraseOf = [&](auto& objects)
    {
        for (auto object = objects.begin(); object != objects.end();)
        {
            auto* candidate = *object;
            object = candidate->context == context ? objects.erase(object) : std::next(object);
            if (candidate->context == context)
            {
                retire(candidate);
            }
        }
    };
    for (Module* module : all.modules)
    {
        for (auto& function : module->functions)
        {
            if (module->context == context)
            {
                all.functions.erase(function.second);
                retire(function.second);
            }
        }
    }
    eraseOf(all.modules);
    eraseOf(all.events);
    eraseOf(all.graphExecs);
    all.contexts.erase(context);
    retire(context);
}

int resetPrimary(int device)
{
    State& all = state();
    const std::size_t index = static_cast<std::size_t>(device);
    if (device < 0 || index >= all.primaryContexts.size())
    {
        return InvalidDevice;
    }
    if (all.primaryContexts[index] != nullptr)
    {
        destroyContext(all.primaryContexts[index]);
        all.primaryContexts[index] = nullptr;
    }
    return Success;
}
}

extern "C"
{
int cuDevicePrimaryCtxRetain(Context** context, int device)
{
    return initialized(
        [&]
        {
            State& all = state();
            const std::size_t index = static_cast<std::size_t>(device);
            if (device < 0 || index >= all.primaryContexts.size())
            {
                return InvalidDevice;
            }
            if (all.primaryContexts[index] == nullptr)
            {
                all.primaryContexts[index] = createContext(device, 0);
            }
            all.primaryReferences[index]++;
            *context = all.primaryContexts[index];
            return Success;
        });
}

int cuDevicePrimaryCtxRelease_v2(int device)
{
    return initialized(
        [&]
        {
            State& all = state();
            const std::size_t index = static_cast<std::size_t>(device);
            if (device < 0 || index >= all.primaryContexts.size())
            {
                return static_cast<int>(InvalidDevice);
            }
            if (all.primaryReferences[index] == 0)
            {
                return static_cast<int>(InvalidContext);
            }
            return --all.primaryReferences[index] == 0 ? resetPrimary(device) : static_cast<int>(Success);
        });
}

int cuDevicePrimaryCtxRelease(int device)
{
    return cuDevicePrimaryCtxRelease_v2(device);
}

int cuDevicePrimaryCtxReset_v2(int device)
{
    return initialized([&] { return resetPrimary(device); });
}

int cuDevicePrimaryCtxReset(int device)
{
    return cuDevicePrimaryCtxReset_v2(device);
}

int cuDevicePrimaryCtxGetState(int device, unsigned* flags, int* isActive)
{
    return initialized(
        [&]
        {
            const std::size_t index = static_cast<std::size_t>(device);
            if (device < 0 || index >= state().primaryContexts.size())
            {
                return InvalidDevice;
            }
            *flags = 0;
            *isActive = state().primaryContexts[index] != nullptr;
            return Success;
        });
}

int cuDevicePrimaryCtxSetFlags_v2(int, unsigned)
{
    return initialized([] { return Success; });
}

int cuDevicePrimaryCtxSetFlags(int device, unsigned flags)
{
    return cuDevicePrimaryCtxSetFlags_v2(device, flags);
}

int cuCtxCreate_v2(Context** context, unsigned flags, int device)
{
    return initialized(
        [&]
        {
            if (device < 0 || device >= settings().devices)
            {
                return InvalidDevice;
            }
            *context = createContext(device, flags);
            contextStack().push_back(*context);
            return Success;
        });
}

int cuCtxDestroy_v2(Context* context)
{
    return initialized(
        [&]
        {
            if (state().contexts.count(context) == 0)
            {
                return InvalidContext;
            }
            if (!contextStack().empty() && contextStack().back() == context)
            {
                contextStack().pop_back();
            }
            drainAll(*context);
            destroyContext(context);
            return Success;
        });
}

int cuCtxSetCurrent(Context* context)
{
    return initialized(
        [&]
        {
            if (context != nullptr && state().contexts.count(context) == 0)
            {
                return ContextIsDestroyed;
            }
            if (!contextStack().empty())
            {
                contextStack().pop_back();
            }
            if (context != nullptr)
            {
                contextStack().push_back(context);
            }
            return Success;
        });
}

int cuCtxGetCurrent(Context** context)
{
    return initialized(
        [&]
        {
            *context = contextStack().empty() ? nullptr : contextStack().back();
            return Success;
        });
}

int cuCtxPushCurrent_v2(Context* context)
{
    return initialized(
        [&]
        {
            if (state().contexts.count(context) == 0)
            {
                return InvalidContext;
            }
            contextStack().push_back(context);
            return Success;
        });
}

int cuCtxPopCurrent_v2(Context** context)
{
    return initialized(
        [&]
        {
            if (contextStack().empty())
            {
                return InvalidContext;
            }
            if (context != nullptr)
            {
                *context = contextStack().back();
            }
            contextStack().pop_back();
            return Success;
        });
}

int cuCtxGetDevice(int* device)
{
    return withContext(
        In::AnyState,
        [&](Context& context)
        {
            *device = context.device;
            return Success;
        });
}

int cuCtxGetApiVersion(Context*, unsigned* version)
{
    *version = 3020;
    return Success;
}

int cuCtxGetStreamPriorityRange(int* least, int* greatest)
{
    return withContext(
        In::AnyState,
        [&](Context&)
        {
            *least = 0;
            *greatest = -5;
            return Success;
        });
}

int cuCtxSynchronize()
{
    return withContext(
        In::NoCapture,
        [](Context& context)
        {
            drainAll(context);
            return context.stickyStatus;
        });
}
}
