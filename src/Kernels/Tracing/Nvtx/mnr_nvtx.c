// NVTX is a header: this makes of it the few functions that the engine calls. CMake builds it where the toolkit's headers are; a program
// without it beside it marks no ranges and does not miss it.
#include <nvtx3/nvToolsExt.h>
#include <stdint.h>

#if defined(_WIN32)
#define MNR_EXPORT __declspec(dllexport)
#else
#define MNR_EXPORT __attribute__((visibility("default")))
#endif

// A domain of this name; null when no tool listens, in which case nothing else is to be called.
MNR_EXPORT void* mnr_nvtx_domain(const char* name)
{
    return nvtxDomainCreateA(name);
}

// A text that ranges refer to from then on.
MNR_EXPORT void* mnr_nvtx_string(void* domain, const char* text)
{
    return nvtxDomainRegisterStringA((nvtxDomainHandle_t)domain, text);
}

// Opens a range inside those that are open on this thread; a number of -1 is none.
MNR_EXPORT void mnr_nvtx_push(void* domain, void* text, int64_t number)
{
    nvtxEventAttributes_t attributes = {0};
    attributes.version = NVTX_VERSION;
    attributes.size = NVTX_EVENT_ATTRIB_STRUCT_SIZE;
    attributes.messageType = NVTX_MESSAGE_TYPE_REGISTERED;
    attributes.message.registered = (nvtxStringHandle_t)text;
    if (number >= 0)
    {
        attributes.payloadType = NVTX_PAYLOAD_TYPE_INT64;
        attributes.payload.llValue = number;
    }
    nvtxDomainRangePushEx((nvtxDomainHandle_t)domain, &attributes);
}

// Closes the range opened last on this thread.
MNR_EXPORT void mnr_nvtx_pop(void* domain)
{
    nvtxDomainRangePop((nvtxDomainHandle_t)domain);
}
