// What the search in logs is measured by: `log_bench anchors` prints the literals that are searched for,
// `log_bench count FILE` in how many lines of a file one stands.
#include <cstdio>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>

#include "knowledge/knowledge.h"
#include "logs/read.h"
#include "logs/scan.h"

int main(int argc, char** argv) {
  const tfdoctor::LogReader reader(tfdoctor::BuiltInKnowledge());
  const std::vector<std::string_view> anchors = reader.Anchors();
  if (argc == 2 && std::string_view(argv[1]) == "anchors") {
    for (const std::string_view anchor : anchors)
      std::printf("%.*s\n", static_cast<int>(anchor.size()), anchor.data());
    return 0;
  }
  if (argc != 3 || std::string_view(argv[1]) != "count") return 2;
  std::ifstream file(argv[2], std::ios::binary);
  const std::string text(std::istreambuf_iterator<char>(file), {});
  const tfdoctor::Scanner scanner(anchors);
  size_t lines = 0;
  for (size_t from = 0; from < text.size(); lines++) {
    const size_t at = scanner.Find(text, from);
    if (at == text.npos) break;
    from = std::min(text.find('\n', at), text.size());
  }
  std::printf("%zu\n", lines);
}
