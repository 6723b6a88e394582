// A stand-in for NVRTC: its program compiles when it is handed the very sources that a library of host kernels was compiled from, and
// the image then names that library. The stand-in driver loads it.
#include "kernel_sources.h"
#include "library_file.h"
#include "source_hash.h"

#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <map>
#include <set>
#include <sstream>
#include <string>
#include <vector>

namespace
{
enum Status
{
    Success = 0,
    InvalidInput = 3,
    InvalidProgram = 4,
    InvalidOption = 5,
    CompilationFailed = 6,
    NameExpressionNotValid = 10
};

struct Program
{
    std::string source, name;
    std::map<std::string, std::string> headers;
    std::vector<std::string> folders;
    std::string log, cubin, ptx;
};

std::string thisFile()
{
    return mnr_host::libraryFile(reinterpret_cast<const void*>(&thisFile));
}

std::string folderOfThisLibrary()
{
    const std::string path = thisFile();
    return path.substr(0, path.size() - mnr_host::bareName(path).size());
}

const mnr_host::SourceFile* knownSource(const std::string& name)
{
    for (const mnr_host::SourceFile& file : mnr_host::SourceFiles)
    {
        if (name == file.name)
        {
            return &file;
        }
    }
    return nullptr;
}

bool findHeader(const Program& program, const std::string& included, std::string& text)
{
    for (const auto& header : program.headers)
    {
        if (header.first == included)
        {
            text = header.second;
            return true;
        }
    }
    for (const std::string& folder : program.folders)
    {
        std::ifstream file(folder + "/" + included, std::ios::binary);
        // A header found on disk may include its neighbours by bare names.
        if (file)
        {
            text.assign((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
            return true;
        }
    }
    return false;
}

std::string folderOf(const std::string& path)
{
    const std::size_t slash = path.rfind('/');
    return slash == std::string::npos ? "" : path.substr(0, slash + 1);
}

// Follows the includes as a compiler would and compares every file with what the library was compiled from.
bool checkSources(Program& program, const std::string& text, const std::string& known, const std::string& folder, std::set<std::string>& seen)
{
    const mnr_host::SourceFile* file = knownSource(known);
    if (file == nullptr || file->hash != mnr_host::hashSource(text))
    {
        program.log += known + ": error: the kernels on the host were compiled from another text of it; build tests/HostCuda again\n";
        return false;
    }
    std::istringstream lines(text);
    const std::string start = "#include \"";
    int number = 0;
    bool isRight = true;
    for (std::string line; std::getline(lines, line);)
    {
        number++;
        if (line.rfind(start, 0) != 0)
        {
            continue;
        }
        const std::string included = line.substr(start.size(), line.find('"', start.size()) - start.size());
        const std::string bare = mnr_host::bareName(included);
        if (bare == "host_instructions.h" || !seen.insert(bare).second)
        {
            continue;
        }
        std::string header;
        std::string at = included;
        if (!findHeader(program, included, header))
        {
            at = folder + included;
            if (!findHeader(program, at, header))
            {
                program.log += known + "(" + std::to_string(number) + "): catastrophic error: cannot open source file \"" + included + "\"\n";
                return false;
            }
        }
        isRight = checkSources(program, header, bare, folderOf(at), seen) && isRight;
    }
    return isRight;
}

std::string valueOf(const std::vector<std::string>& options, std::size_t& i, const std::string& longName, const std::string& shortName)
{
    const std::string& option = options[i];
    for (const std::string& name : {longName, shortName})
    {
        if (option.rfind(name + "=", 0) == 0)
        {
            return option.substr(name.size() + 1);
        }
        if (option == name && i + 1 < options.size())
        {
            return options[++i];
        }
    }
    return "";
}

int readOptions(Program& program, const std::vector<std::string>& options, std::string& architecture)
{
    const std::set<std::string> known = {"52", "53", "60", "61", "62", "70", "72", "75", "80", "86", "87", "89", "90", "90a", "100", "120"};
    for (std::size_t i = 0; i < options.size(); i++)
    {
        const std::string wanted = valueOf(options, i, "--gpu-architecture", "-arch");
        if (!wanted.empty())
        {
            const std::string number = wanted.substr(wanted.find('_') + 1);
            if ((wanted.rfind("sm_", 0) != 0 && wanted.rfind("compute_", 0) != 0) || known.count(number) == 0)
            {
                program.log += "nvrtc: error: invalid value for --gpu-architecture (-arch)\n";
                return InvalidOption;
            }
            architecture = wanted;
            continue;
        }
        const std::string folder = valueOf(options, i, "--include-path", "-I");
        if (!folder.empty())
        {
            program.folders.push_back(folder);
            continue;
        }
        if (options[i].rfind("-I", 0) == 0)
        {
            program.folders.push_back(options[i].substr(2));
            continue;
        }
        if (options[i].empty() || options[i][0] != '-')
        {
            program.log += "nvrtc: error: unrecognized option " + options[i] + " found\n";
            return InvalidOption;
        }
    }
    return Success;
}

int copyOut(const std::string& text, char* target)
{
    std::memcpy(target, text.c_str(), text.size() + 1);
    return Success;
}
}

extern "C"
{
const char* nvrtcGetErrorString(int status)
{
    switch (status)
    {
    case Success:
        return "NVRTC_SUCCESS";
    case 1:
        return "NVRTC_ERROR_OUT_OF_MEMORY";
    case 2:
        return "NVRTC_ERROR_PROGRAM_CREATION_FAILURE";
    case InvalidInput:
        return "NVRTC_ERROR_INVALID_INPUT";
    case InvalidProgram:
        return "NVRTC_ERROR_INVALID_PROGRAM";
    case InvalidOption:
        return "NVRTC_ERROR_INVALID_OPTION";
    case CompilationFailed:
        return "NVRTC_ERROR_COMPILATION";
    case 7:
        return "NVRTC_ERROR_BUILTIN_OPERATION_FAILURE";
    default:
        return "NVRTC_ERROR unknown";
    }
}

int nvrtcVersion(int* major, int* minor)
{
    const int version = mnr_host::cudaVersion(mnr_host::majorVersion(thisFile()));
    *major = version / 1000;
    *minor = version % 1000 / 10;
    return Success;
}

int nvrtcGetNumSupportedArchs(int* count)
{
    *count = 4;
    return Success;
}

int nvrtcGetSupportedArchs(int* architectures)
{
    const int known[] = {80, 86, 89, 90};
    std::memcpy(architectures, known, sizeof known);
    return Success;
}

int nvrtcCreateProgram(
    Program** program, const char* source, const char* name, int headerCount, const char* const* headers, const char* const* includeNames)
{
    if (program == nullptr || source == nullptr || headerCount < 0 || (headerCount > 0 && (headers == nullptr || includeNames == nullptr)))
    {
        return InvalidInput;
    }
    *program = new Program();
    (*program)->source = source;
    (*program)->name = name == nullptr ? "default_program" : name;
    for (int i = 0; i < headerCount; i++)
    {
        (*program)->headers[includeNames[i]] = headers[i];
    }
    return Success;
}

int nvrtcDestroyProgram(Program** program)
{
    if (program == nullptr || *program == nullptr)
    {
        return InvalidProgram;
    }
    delete *program;
    *program = nullptr;
    return Success;
}

int nvrtcCompileProgram(Program* program, int optionCount, const char* const* options)
{
    if (program == nullptr)
    {
        return InvalidProgram;
    }
    program->log.clear();
    std::string architecture = "compute_52";
    const int status = readOptions(*program, std::vector<std::string>(options, options + optionCount), architecture);
    if (status != Success)
    {
        return status;
    }
    // The test's way to see what a user sees when NVRTC refuses the sources.
    const char* failure = std::getenv("MNR_HOST_FAIL_COMPILATION");
    if (failure != nullptr)
    {
        program->log += std::string("kernels.cu(1): error: ") + failure + "\n";
        return CompilationFailed;
    }
    std::set<std::string> seen;
    if (!checkSources(*program, program->source, mnr_host::MainSource, "", seen))
    {
        return CompilationFailed;
    }
    const std::string body = std::string("library ") + MNR_KERNEL_LIBRARY + "\nfolder " + folderOfThisLibrary() + "\nsources " +
                             std::to_string(mnr_host::SourceHash) + "\n";
    const bool isMachineCode = architecture.rfind("sm_", 0) == 0;
    program->cubin = isMachineCode ? "host kernels as machine code\n" + body + "architecture " + architecture + "\n" : "";
    program->ptx = "host kernels as PTX\n" + body + "architecture " + architecture + "\n";
    return Success;
}

int nvrtcGetProgramLogSize(Program* program, std::size_t* size)
{
    *size = program->log.size() + 1;
    return Success;
}

int nvrtcGetProgramLog(Program* program, char* log)
{
    return copyOut(program->log, log);
}

int nvrtcGetCUBINSize(Program* program, std::size_t* size)
{
    *size = program->cubin.empty() ? 0 : program->cubin.size() + 1;
    return Success;
}

int nvrtcGetCUBIN(Program* program, char* image)
{
    return program->cubin.empty() ? static_cast<int>(InvalidProgram) : copyOut(program->cubin, image);
}

int nvrtcGetPTXSize(Program* program, std::size_t* size)
{
    *size = program->ptx.size() + 1;
    return Success;
}

int nvrtcGetPTX(Program* program, char* image)
{
    return copyOut(program->ptx, image);
}

int nvrtcAddNameExpression(Program* program, const char* name)
{
    return program == nullptr || name == nullptr ? static_cast<int>(InvalidProgram) : static_cast<int>(Success);
}

// Kernels are extern "C": their names stay as they are.
int nvrtcGetLoweredName(Program* program, const char* name, const char** lowered)
{
    if (program == nullptr || name == nullptr)
    {
        return NameExpressionNotValid;
    }
    *lowered = name;
    return Success;
}
}
