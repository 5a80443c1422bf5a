// Layers as streams: what is read on from a clone is what the whole stream holds there.
#include "image/layer.h"

#include <gtest/gtest.h>
#include <unistd.h>
#include <zlib.h>

#include <algorithm>
#include <cstdlib>
#include <random>
#include <string>
#include <utility>
#include <vector>

namespace tfdoctor::image {
namespace {

// Text that packs to about a half, so that zlib's window matters.
std::string Bytes(std::mt19937& random, size_t size) {
  std::string bytes;
  while (bytes.size() < size) {
    if (bytes.size() > 40'000 && random() % 2 == 0) {
      const size_t back = 1 + random() % 32'000;
      bytes += bytes.substr(bytes.size() - back, 1 + random() % 300);
    } else {
      bytes += static_cast<char>(random());
    }
  }
  bytes.resize(size);
  return bytes;
}

class PackedFile {
 public:
  PackedFile() { close(mkstemp(path_.data())); }
  ~PackedFile() { unlink(path_.c_str()); }
  PackedFile(const PackedFile&) = delete;
  PackedFile& operator=(const PackedFile&) = delete;
  void AddMember(const std::string& bytes) {
    gzFile file = gzopen(path_.c_str(), "ab1");
    ASSERT_NE(file, nullptr);
    ASSERT_EQ(gzwrite(file, bytes.data(), static_cast<unsigned>(bytes.size())),
              static_cast<int>(bytes.size()));
    ASSERT_EQ(gzclose(file), Z_OK);
  }
  Blob blob() const {
    FILE* file = std::fopen(path_.c_str(), "rb");
    std::fseek(file, 0, SEEK_END);
    const auto size = static_cast<uint64_t>(std::ftell(file));
    std::fclose(file);
    return {path_, 0, size};
  }

 private:
  std::string path_ = testing::TempDir() + "tfdoctor_layer_XXXXXX";
};

std::string Rest(LayerReader& reader) {
  std::string rest;
  std::vector<char> piece(50'000);
  while (true) {
    Result<size_t> got = reader.Read(piece.data(), piece.size());
    if (!got.ok()) return got.error().message;
    if (*got == 0) return rest;
    rest.append(piece.data(), *got);
  }
}

TEST(Layer, ReadsOnFromAClone) {
  std::mt19937 random(7);
  PackedFile file;
  std::string whole;
  for (const size_t size : {700'000, 1, 300'000, 0, 500'000}) {
    const std::string member = Bytes(random, size);
    file.AddMember(member);
    whole += member;
  }
  auto reader = LayerReader::Open(file.blob());
  ASSERT_TRUE(reader.ok()) << reader.error().message;
  std::vector<std::pair<size_t, std::unique_ptr<LayerReader>>> clones;
  for (size_t at = 0; at < whole.size();) {
    const size_t size = std::min<size_t>(random() % 100'000, whole.size() - at);
    ASSERT_TRUE((*reader)->Skip(size).ok());
    at += size;
    clones.emplace_back(at, (*reader)->Clone());
    ASSERT_NE(clones.back().second, nullptr);
  }
  EXPECT_EQ(Rest(**reader), "");
  reader = std::unique_ptr<LayerReader>();  // a clone needs nothing of what it was made of
  std::shuffle(clones.begin(), clones.end(), random);
  for (const auto& [at, clone] : clones) {
    const auto second = clone->Clone();
    ASSERT_NE(second, nullptr);
    EXPECT_DOUBLE_EQ(second->Progress(), clone->Progress());
    EXPECT_TRUE(Rest(*clone) == whole.substr(at)) << "from " << at;
    EXPECT_TRUE(Rest(*second) == whole.substr(at)) << "from " << at << ", of a clone's clone";
  }
  EXPECT_GT(clones.size(), 20U);
}

TEST(Layer, ACloneMeetsTheSameEnd) {
  std::mt19937 random(8);
  PackedFile file;
  file.AddMember(Bytes(random, 400'000));
  Blob cut = file.blob();
  cut.size -= 1000;
  auto reader = LayerReader::Open(cut);
  ASSERT_TRUE(reader.ok());
  ASSERT_TRUE((*reader)->Skip(100'000).ok());
  const auto clone = (*reader)->Clone();
  EXPECT_EQ(Rest(**reader), "it is cut short");
  ASSERT_NE(clone, nullptr);
  EXPECT_EQ(Rest(*clone), "it is cut short");
}

}  // namespace
}  // namespace tfdoctor::image
