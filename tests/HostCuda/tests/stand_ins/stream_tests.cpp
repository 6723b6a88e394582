// Streams, events, captures and graphs. Most run twice: with work that runs when it is entered, and with work that runs only when
// something waits for it, as late as a GPU may.
#include "device.h"
#include "expect.h"

using namespace stand_in_test;

namespace
{
void* newStream(unsigned flags = 1)
{
    void* stream = nullptr;
    expect("stream", cuStreamCreate(&stream, flags), Success);
    return stream;
}

void* newEvent(unsigned flags = 0)
{
    void* event = nullptr;
    expect("event", cuEventCreate(&event, flags), Success);
    return event;
}

class Late
{
public:
    Late()
    {
        mnrHostSet("MNR_HOST_STREAMS", "late");
    }

    ~Late()
    {
        mnrHostSet("MNR_HOST_STREAMS", "eager");
    }
};

void lateWork()
{
    resetContext();
    const Late late;
    void* stream = newStream();
    void* event = newEvent();
    const Buffer<float> target(std::vector<float>{0});
    expect("launch", enqueue(stream, "add_one", 1, 1, target.address, 1), Success);
    expect("record", cuEventRecord(event, stream), Success);
    float* pinned = nullptr;
    cuMemHostAlloc(reinterpret_cast<void**>(&pinned), sizeof(float), 0);
    *pinned = 7;
    expect("copy", cuMemcpyDtoHAsync_v2(pinned, target.address, sizeof(float), stream), Success);
    expect("not yet", *pinned, 7.0f);
    expect("the event", cuEventQuery(event), NotReady);
    expect("the stream", cuStreamQuery(stream), NotReady);
    expect("wait", cuStreamSynchronize(stream), Success);
    expect("now", *pinned, 1.0f);
    expect("the event", cuEventQuery(event), Success);
    expect("the stream", cuStreamQuery(stream), Success);
}

// Pinned memory is read when the copy runs, other memory before the call returns.
void lateCopies()
{
    resetContext();
    const Late late;
    void* stream = newStream();
    const Buffer<float> first(1), second(1);
    float* pinned = nullptr;
    cuMemHostAlloc(reinterpret_cast<void**>(&pinned), sizeof(float), 0);
    float pageable = 1;
    *pinned = 1;
    cuMemcpyHtoDAsync_v2(first.address, pinned, sizeof(float), stream);
    cuMemcpyHtoDAsync_v2(second.address, &pageable, sizeof(float), stream);
    *pinned = 2;
    pageable = 2;
    cuStreamSynchronize(stream);
    expect("pinned memory, changed too early", first.read()[0], 2.0f);
    expect("other memory", second.read()[0], 1.0f);
}

void waitingStreams()
{
    for (const bool isLate : {false, true})
    {
        resetContext();
        mnrHostSet("MNR_HOST_STREAMS", isLate ? "late" : "eager");
        void* producer = newStream();
        void* consumer = newStream();
        void* event = newEvent();
        const Buffer<float> number(std::vector<float>{5}), copy(std::vector<float>{0});
        enqueue(producer, "add_one", 1, 1, number.address, 1);
        cuEventRecord(event, producer);
        expect("wait", cuStreamWaitEvent(consumer, event, 0), Success);
        cuMemcpyDtoDAsync_v2(copy.address, number.address, sizeof(float), consumer);
        enqueue(producer, "add_one", 1, 1, number.address, 1);
        expect("the consumer", cuStreamSynchronize(consumer), Success);
        float value = 0;
        cuMemcpyDtoH_v2(&value, copy.address, sizeof value);
        expect("what it saw", value, 6.0f);
        expect("the producer", cuStreamSynchronize(producer), Success);
        expect("its number", number.read()[0], 7.0f);
        mnrHostSet("MNR_HOST_STREAMS", "eager");
    }
}

// What is missing between two streams shows where work runs late.
void missingWait()
{
    resetContext();
    const Late late;
    void* producer = newStream();
    void* consumer = newStream();
    const Buffer<float> number(std::vector<float>{5}), copy(std::vector<float>{0});
    enqueue(producer, "add_one", 1, 1, number.address, 1);
    cuMemcpyDtoDAsync_v2(copy.address, number.address, sizeof(float), consumer);
    cuStreamSynchronize(consumer);
    float value = 0;
    cuMemcpyDtoH_v2(&value, copy.address, sizeof value);
    expect("the number of before", value, 5.0f);
    cuStreamSynchronize(producer);
}

void times()
{
    resetContext();
    void* first = newEvent();
    void* second = newEvent();
    void* timeless = newEvent(2);
    float milliseconds = -1;
    expect("never recorded", cuEventElapsedTime(&milliseconds, first, second), InvalidHandle);
    cuEventRecord(first, nullptr);
    cuEventRecord(second, nullptr);
    cuEventRecord(timeless, nullptr);
    expect("wait", cuEventSynchronize(second), Success);
    expect("time", cuEventElapsedTime(&milliseconds, first, second), Success);
    expectTrue(milliseconds >= 0, "no time runs backwards");
    expect("an event without time", cuEventElapsedTime(&milliseconds, first, timeless), InvalidHandle);
    expect("destroy", cuEventDestroy_v2(timeless), Success);
    expect("gone", cuEventRecord(timeless, nullptr), InvalidHandle);
}

void graphs()
{
    for (const char* order : {"forward", "reverse", "random:5"})
    {
        resetContext();
        mnrHostSet("MNR_HOST_ORDER", order);
        void* stream = newStream();
        void* side = newStream();
        void* fork = newEvent();
        void* join = newEvent();
        const Buffer<float> a(std::vector<float>{0}), b(std::vector<float>{0}), c(std::vector<float>{0});
        int status = -1;
        expect("capture", cuStreamBeginCapture_v2(stream, 0), Success);
        expect("state", cuStreamIsCapturing(stream, &status), Success);
        expect("state", status, 1);
        enqueue(stream, "add_one", 1, 1, a.address, 1);
        cuEventRecord(fork, stream);
        cuStreamWaitEvent(side, fork, 0);
        expect("copy", cuMemcpyDtoDAsync_v2(b.address, a.address, sizeof(float), side), Success);
        cuEventRecord(join, side);
        expect("fill", cuMemsetD8Async(c.address, 0, sizeof(float), stream), Success);
        enqueue(stream, "fill_numbers", 1, 1, c.address, 3.0f, 1);
        cuStreamWaitEvent(stream, join, 0);
        enqueue(stream, "add_one", 1, 1, b.address, 1);
        void* graph = nullptr;
        void* exec = nullptr;
        expect("end", cuStreamEndCapture(stream, &graph), Success);
        std::size_t nodes = 0;
        cuGraphGetNodes(graph, nullptr, &nodes);
        expect("nodes", nodes, std::size_t{5});
        expect("nothing has run", a.read()[0], 0.0f);
        expect("instantiate", cuGraphInstantiateWithFlags(&exec, graph, 0), Success);
        expect("destroy", cuGraphDestroy(graph), Success);
        for (int i = 1; i <= 3; i++)
        {
            expect("launch", cuGraphLaunch(exec, stream), Success);
            expect("wait", cuStreamSynchronize(stream), Success);
            expect("a", a.read()[0], static_cast<float>(i));
            expect("b", b.read()[0], static_cast<float>(i + 1));
            expect("c", c.read()[0], 3.0f);
        }
        expect("destroy", cuGraphExecDestroy(exec), Success);
        mnrHostSet("MNR_HOST_ORDER", "forward");
    }
}

void* captured(void* stream, const Buffer<float>& target, float value, int launches)
{
    void* graph = nullptr;
    cuStreamBeginCapture_v2(stream, 0);
    for (int i = 0; i < launches; i++)
    {
        enqueue(stream, "fill_numbers", 1, 1, target.address, value, 1);
    }
    expect("capture", cuStreamEndCapture(stream, &graph), Success);
    return graph;
}

void graphUpdates()
{
    resetContext();
    void* stream = newStream();
    const Buffer<float> target(std::vector<float>{0});
    void* exec = nullptr;
    cuGraphInstantiateWithFlags(&exec, captured(stream, target, 1, 2), 0);
    struct
    {
        int result;
        void *node, *from;
    } result = {};
    expect("other arguments", cuGraphExecUpdate_v2(exec, captured(stream, target, 2, 2), &result), Success);
    cuGraphLaunch(exec, stream);
    cuStreamSynchronize(stream);
    expect("are what is launched", target.read()[0], 2.0f);
    expect("another shape", cuGraphExecUpdate_v2(exec, captured(stream, target, 3, 1), &result), GraphExecUpdateFailure);
    expect("is told", result.result, 2);
}

// What a capture must not see: each makes it invalid, and its end says so.
void illegalInCaptures()
{
    const std::vector<std::pair<std::string, std::function<int(void*)>>> calls = {
        {"waiting for the stream", [](void* stream) { return cuStreamSynchronize(stream); }},
        {"asking for the stream", [](void* stream) { return cuStreamQuery(stream); }},
        {"waiting for the device", [](void*) { return cuCtxSynchronize(); }},
        {"allocating", [](void*) { std::uint64_t address; return cuMemAlloc_v2(&address, 16); }},
        {"pinning", [](void*) { void* memory; return cuMemHostAlloc(&memory, 16, 0); }},
        {"loading a module", [](void*) { void* module; return cuModuleLoadData(&module, compiledImage("sm_80").c_str()); }},
        {"a copy that waits", [](void*) { float value = 0; return cuMemcpyHtoD_v2(64, &value, 4); }}};
    for (const auto& call : calls)
    {
        resetContext();
        void* stream = newStream();
        const Buffer<float> target(1);
        cuStreamBeginCapture_v2(stream, 0);
        enqueue(stream, "add_one", 1, 1, target.address, 1);
        expect(call.first, call.second(stream), CaptureUnsupported);
        expect("work behind " + call.first, enqueue(stream, "add_one", 1, 1, target.address, 1), CaptureInvalidated);
        void* graph = nullptr;
        expect("the end behind " + call.first, cuStreamEndCapture(stream, &graph), CaptureInvalidated);
        expectTrue(graph == nullptr, "there is no graph");
        expect("afterwards", cuStreamSynchronize(stream), Success);
    }
}

void otherCaptureErrors()
{
    resetContext();
    void* graph = nullptr;
    expect("the default stream", cuStreamBeginCapture_v2(nullptr, 0), CaptureUnsupported);
    void* stream = newStream(0);
    void* side = newStream(0);
    void* event = newEvent();
    const Buffer<float> target(1);

    cuStreamBeginCapture_v2(stream, 0);
    cuEventRecord(event, stream);
    cuStreamWaitEvent(side, event, 0);
    enqueue(side, "add_one", 1, 1, target.address, 1);
    expect("work that never comes back", cuStreamEndCapture(stream, &graph), CaptureUnjoined);

    cuEventRecord(event, side);
    cuStreamBeginCapture_v2(stream, 0);
    expect("an event of outside", cuStreamWaitEvent(stream, event, 0), CaptureIsolation);
    expect("the end", cuStreamEndCapture(stream, &graph), CaptureInvalidated);

    cuStreamBeginCapture_v2(stream, 0);
    expect("the default stream would wait", enqueue(nullptr, "add_one", 1, 1, target.address, 1), CaptureImplicit);
    expect("the end", cuStreamEndCapture(stream, &graph), CaptureInvalidated);

    cuStreamBeginCapture_v2(stream, 0);
    cuEventRecord(event, stream);
    expect("waiting for a captured event", cuEventSynchronize(event), 907);
    expect("the end", cuStreamEndCapture(stream, &graph), CaptureInvalidated);
}
}

int main()
{
    return runCases(
        {{"work may run as late as someone waits", lateWork},
         {"a copy from pinned memory reads it late", lateCopies},
         {"a stream waits for another's event", waitingStreams},
         {"a wait that is missing shows", missingWait},
         {"times between events", times},
         {"a capture records, launches replay it in any order that is allowed", graphs},
         {"an executable graph takes another capture's arguments", graphUpdates},
         {"what is illegal in a capture", illegalInCaptures},
         {"what else a capture refuses", otherCaptureErrors}});
}
