// Runs a fuzz target without libFuzzer: over its committed seeds and some hundred mutations of them, the same
// each time. So every test run exercises every parser; the search for new inputs is `make fuzz`.
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

namespace {

void Run(const std::string& input) {
  LLVMFuzzerTestOneInput(reinterpret_cast<const uint8_t*>(input.data()), input.size());
}

std::string Mutate(std::string text, std::mt19937& random) {
  auto below = [&](size_t bound) { return bound == 0 ? 0 : random() % bound; };
  static constexpr char kTelling[] = {'\0', '\n', '"', '=', '[', '\x7f', '\xff', '\x80', '9', '-'};
  for (size_t changes = 1 + below(4); changes > 0; changes--) {
    switch (below(5)) {
      case 0:  // another byte
        if (!text.empty()) text[below(text.size())] = static_cast<char>(random());
        break;
      case 1:
        if (!text.empty()) text[below(text.size())] = kTelling[below(std::size(kTelling))];
        break;
      case 2:  // cut short
        text.resize(below(text.size() + 1));
        break;
      case 3:  // a piece once more
        if (!text.empty()) text.insert(below(text.size()), text.substr(below(text.size()), below(64)));
        break;
      case 4:  // a piece less
        if (!text.empty()) text.erase(below(text.size()), below(64));
        break;
    }
  }
  return text;
}

}  // namespace

int main(int argc, char** argv) {
  constexpr int kMutations = 700;
  std::vector<std::string> seeds = {""};
  if (argc > 1 && std::filesystem::is_directory(argv[1])) {
    for (const auto& entry : std::filesystem::directory_iterator(argv[1])) {
      std::ifstream file(entry.path(), std::ios::binary);
      seeds.emplace_back(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
    }
  }
  for (const std::string& seed : seeds) Run(seed);
  std::mt19937 random(1);  // NOLINT(cert-msc51-cpp): the same inputs each time
  for (int i = 0; i < kMutations; i++) Run(Mutate(seeds[random() % seeds.size()], random));
  std::printf("%zu seeds and %d mutations\n", seeds.size() - 1, kMutations);
  return 0;
}
