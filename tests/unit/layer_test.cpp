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
  for (const size_t size : {700'000U, 1U, 300'000U, 0U, 500'000U}) {
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

// Blobs of an archive that is packed as a whole, some of them packed once more, read in any order.
TEST(Layer, ReadsBlobsInsideAPackedArchive) {
  std::mt19937 random(9);
  const std::string piece = Bytes(random, 3 << 20);
  PackedFile inner;
  inner.AddMember(Bytes(random, 2 << 20));
  const Blob packed = inner.blob();
  std::string whole;
  std::vector<std::pair<Blob, std::string>> blobs;
  PackedFile file;
  const auto add = [&](const std::string& bytes, const std::string& plain) {
    blobs.push_back({Blob{file.blob().file, whole.size(), bytes.size()}, plain});
    blobs.back().first.head = bytes.substr(0, Blob::kHead);
    whole += bytes;
  };
  while (whole.size() < (48 << 20))
    add(std::to_string(whole.size()) + piece, std::to_string(whole.size()) + piece);
  const std::string inner_bytes = ReadBlob(packed, 16 << 20).value_or("");
  auto inner_reader = LayerReader::Open(packed);
  ASSERT_TRUE(inner_reader.ok());
  add(inner_bytes, Rest(**inner_reader));
  file.AddMember(whole);
  auto archive = PackedArchive::Open(file.blob(), [](LayerReader& reader) {
    std::vector<char> bytes(100'000);
    while (true) {
      Result<size_t> got = reader.Read(bytes.data(), bytes.size());
      if (!got.ok()) return Result<bool>(got.error());
      if (*got == 0) return Result<bool>(true);
    }
  });
  ASSERT_TRUE(archive.ok()) << archive.error().message;
  EXPECT_GT((*archive)->MarkBefore(whole.size()), size_t{32} << 20);
  std::shuffle(blobs.begin(), blobs.end(), random);
  for (auto& [blob, plain] : blobs) {
    blob.archive = *archive;
    auto reader = LayerReader::Open(blob);
    ASSERT_TRUE(reader.ok());
    const size_t at = random() % plain.size();
    ASSERT_TRUE((*reader)->Skip(at).ok());
    const auto clone = (*reader)->Clone();  // of a packed one
    EXPECT_TRUE(Rest(**reader) == plain.substr(at));
    if (clone != nullptr) {
      EXPECT_TRUE(Rest(*clone) == plain.substr(at));
    }
    if (plain.size() == blob.size) {
      EXPECT_TRUE(ReadBlob(blob, blob.size).value_or("") == plain);
    }
  }
  // From one end to the other: a mark that is nearer is taken.
  auto all =
      LayerReader::Open(Blob{file.blob().file, 0, whole.size(), *archive, whole.substr(0, Blob::kHead)});
  ASSERT_TRUE(all.ok());
  for (size_t at = 0, next = 10; next < whole.size(); at = next + 5, next = at + random() % (20 << 20)) {
    ASSERT_TRUE((*all)->Skip(next - at).ok());
    std::string five(5, '\0');
    if (next + 5 > whole.size()) break;
    ASSERT_EQ((*all)->Read(five.data(), 5).value_or(0), 5U);
    EXPECT_EQ(five, whole.substr(next, 5));
  }
  EXPECT_FALSE((*all)->Skip(whole.size()).ok());
}

}  // namespace
}  // namespace tfdoctor::image
