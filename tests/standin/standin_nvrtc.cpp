/* standin_nvrtc: NVRTC by the script that the stand-in's nvcc uses (module.sh, beside the libraries). Headers are seen
 * under the names given, and no others. */
#include "nvrtc.h"
#include "standin_code.h"

#include <dlfcn.h>
#include <fstream>
#include <sstream>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <string>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>
#include <vector>

struct _nvrtcProgram {
    std::string name, source, log, code;
    std::vector<std::pair<std::string, std::string>> headers;
};

namespace {

const int architectures[] = {75, 80, 86, 87, 88, 89, 90, 100, 103, 110, 120, 121};

std::string read_file(const std::string &path) {
    std::ifstream file(path, std::ios::binary);
    std::ostringstream text;
    text << file.rdbuf();
    return text.str();
}

void write_file(const std::string &path, const std::string &text) {
    for (size_t at = path.find('/', 1); at != std::string::npos; at = path.find('/', at + 1))
        mkdir(path.substr(0, at).c_str(), 0700);
    std::ofstream(path, std::ios::binary) << text;
}

std::string script() {
    Dl_info info;
    dladdr((const void *)&architectures, &info);
    std::string library = info.dli_fname;
    return library.substr(0, library.rfind('/')) + "/../standin/module.sh";
}

} // namespace

extern "C" {

const char *nvrtcGetErrorString(nvrtcResult result) {
    switch (result) {
    case NVRTC_SUCCESS:
        return "NVRTC_SUCCESS";
    case NVRTC_ERROR_INVALID_INPUT:
        return "NVRTC_ERROR_INVALID_INPUT";
    case NVRTC_ERROR_INVALID_OPTION:
        return "NVRTC_ERROR_INVALID_OPTION";
    case NVRTC_ERROR_COMPILATION:
        return "NVRTC_ERROR_COMPILATION";
    default:
        return "NVRTC_ERROR_INTERNAL_ERROR";
    }
}

nvrtcResult nvrtcVersion(int *major, int *minor) {
    *major = 13;
    *minor = 0;
    return NVRTC_SUCCESS;
}

nvrtcResult nvrtcGetNumSupportedArchs(int *count) {
    *count = (int)(sizeof architectures / sizeof *architectures);
    return NVRTC_SUCCESS;
}

nvrtcResult nvrtcGetSupportedArchs(int *to) {
    memcpy(to, architectures, sizeof architectures);
    return NVRTC_SUCCESS;
}

nvrtcResult nvrtcCreateProgram(nvrtcProgram *program, const char *source, const char *name,
                               int headers, const char *const *texts, const char *const *names) {
    *program = new _nvrtcProgram;
    (*program)->name = name && *name ? name : "default_program";
    (*program)->source = source;
    for (int i = 0; i < headers; ++i)
        (*program)->headers.emplace_back(names[i], texts[i]);
    return NVRTC_SUCCESS;
}

nvrtcResult nvrtcDestroyProgram(nvrtcProgram *program) {
    delete *program;
    *program = nullptr;
    return NVRTC_SUCCESS;
}

nvrtcResult nvrtcCompileProgram(nvrtcProgram program, int options, const char *const *option) {
    std::string architecture, passed;
    for (int i = 0; i < options; ++i) {
        std::string text = option[i];
        for (const char *name : {"--gpu-architecture=", "-arch="})
            if (text.compare(0, strlen(name), name) == 0)
                architecture = text.substr(strlen(name));
        if (text.compare(0, 2, "-D") == 0)
            passed += " '" + text + "'";
        if (text[0] != '-') {
            program->log = "unrecognized option " + text + "\n";
            return NVRTC_ERROR_INVALID_OPTION;
        }
    }
    char folder[] = "/tmp/standin-nvrtc-XXXXXX";
    if (!mkdtemp(folder))
        return NVRTC_ERROR_INTERNAL_ERROR;
    const std::string base = std::string(folder) + "/program", kernels = base + "/kernels/";
    write_file(kernels + program->name, program->source);
    for (auto &header : program->headers)
        write_file(kernels + header.first, header.second);
    const std::string command = "'" + script() + "' --arch '" + architecture + "' '" + kernels +
                                program->name + "' '" + base + ".code'" + passed + " > '" + base +
                                ".log' 2>&1";
    const int status = system(command.c_str());
    program->log = read_file(base + ".log");
    for (size_t at; (at = program->log.find(kernels)) != std::string::npos;)
        program->log.erase(at, kernels.size());
    program->code = status == 0 ? read_file(base + ".code") : "";
    if (system(("rm -rf '" + std::string(folder) + "'").c_str()) != 0)
        return NVRTC_ERROR_INTERNAL_ERROR;
    return status == 0 ? NVRTC_SUCCESS : NVRTC_ERROR_COMPILATION;
}

nvrtcResult nvrtcGetCUBINSize(nvrtcProgram program, size_t *bytes) {
    *bytes = program->code.size();
    return *bytes ? NVRTC_SUCCESS : NVRTC_ERROR_INVALID_PROGRAM;
}

nvrtcResult nvrtcGetCUBIN(nvrtcProgram program, char *code) {
    memcpy(code, program->code.data(), program->code.size());
    return NVRTC_SUCCESS;
}

nvrtcResult nvrtcGetProgramLogSize(nvrtcProgram program, size_t *bytes) {
    *bytes = program->log.size() + 1;
    return NVRTC_SUCCESS;
}

nvrtcResult nvrtcGetProgramLog(nvrtcProgram program, char *log) {
    memcpy(log, program->log.c_str(), program->log.size() + 1);
    return NVRTC_SUCCESS;
}

} // extern "C"
