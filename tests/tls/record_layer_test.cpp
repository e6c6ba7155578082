// SPDX-License-Identifier: MIT
// Records of TLS 1.3 against the traces of RFC 8448, against each other, and against bad peers.
#include <tls/record_layer.hpp>

#include <array>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include <support/bytes.hpp>
#include <support/split_everywhere.hpp>
#include <tls/sealed_record.hpp>

using namespace walkie;
using namespace walkie::test;
using tls::RecordKeys;
using tls::RecordLayer;
using tls::TrafficSecret;
using Stop = RecordLayer::Stop;

namespace {

// RFC 8448 §3: the secrets of its first connection, and what each side sends under them.
constexpr std::string_view kClientSecret =
    "9e40646ce79a7f9dc05af8889bce6552875afa0b06df0087f792ebb7c17504a5";
constexpr std::string_view kServerSecret =
    "a11af9f05531f856ad47116b45a950328204b4f44bfb6b3a4b4f1f3fcb631643";
constexpr std::string_view kClientRecord =
    "1703030043a23f7054b62c94d0affafe8228ba55cbefacea42f914aa66bcab3f2b9819a8a5b46b395bd54a9a20441e"
    "2b62974e1f5a6292a2977014bd1e3deae63aeebb21694915e4";
constexpr std::string_view kServerRecord =
    "17030300432e937e11ef4ac740e538ad36005fc4a46932fc3225d05f82aa1b36e30efaf97d90e6dffc602dcb501a59"
    "a8fcc49c4bf2e5f0a21c0047c2abf332540dd032e167c2955d";

constexpr std::array<std::uint16_t, 3> kSuites{0x1301, 0x1302, 0x1303};
constexpr std::size_t kUpdateBytes = 5 + 5 + 1 + 16;  // a record with a KeyUpdate
constexpr std::size_t kOursBytes = 5 + 4 + 1 + 16;    // a record with "ours"

TrafficSecret secret(std::string_view digits) {
  TrafficSecret made;
  made.assign_hex(digits);
  return made;
}

std::string of_suite(std::string_view digits, std::uint16_t id) {
  return std::string(digits) + (id == 0x1302 ? std::string(digits.substr(0, 32)) : "");
}

/// A server's layer and the keys of a client that may say anything.
struct Rig {
  explicit Rig(std::uint16_t id = 0x1301, std::uint64_t written = 0)
      : suite(*tls::find_suite(id)),
        client(suite, true, secret(of_suite(kClientSecret, id)), 0),
        layer(suite, secret(of_suite(kServerSecret, id)), secret(of_suite(kClientSecret, id)),
              written, pool),
        peer(suite, secret(of_suite(kClientSecret, id)), secret(of_suite(kServerSecret, id)), 0,
             pool) {}

  /// What the server's layer reads of `wire`.
  std::string read(std::string_view wire) { return read_with(layer, wire, output); }
  std::string read_inner(std::string_view inner) { return read(sealed_record(client, inner)); }
  /// What the peer reads of the layer's output.
  std::string read_answer() { return read_with(peer, take_output(), peer_output); }
  std::string take_output() {
    std::string bytes;
    std::array<BytesView, 16> chunks;
    while (!output.empty()) {
      const std::size_t count = output.gather(chunks);
      std::size_t taken = 0;
      for (std::size_t i = 0; i < count; ++i) {
        bytes += text_of(chunks[i]);
        taken += chunks[i].size();
      }
      output.consume(taken);
    }
    return bytes;
  }
  std::size_t write(std::string_view text) {
    const std::array chunks{bytes_of(text)};
    return layer.write(chunks, 0, output);
  }
  static std::string read_with(RecordLayer& reader, std::string_view wire,
                               base::OutputQueue& answers) {
    std::string plain;
    Bytes room(RecordLayer::kSealedBytesMax);
    BytesView input = bytes_of(wire);
    while (!input.empty() && reader.stop() == Stop::none) {
      const std::size_t count = reader.read(input, room, answers);
      plain += text_of(BytesView(room).first(count));
    }
    return plain;
  }

  const tls::Suite& suite;
  base::BufferPool pool;
  base::OutputQueue output{pool};
  base::OutputQueue peer_output{pool};
  RecordKeys client;
  RecordLayer layer;
  RecordLayer peer;
};

/// Why the layer gave up, with the alert that it sent.
std::string refusal(Rig& rig) {
  if (rig.layer.stop() != Stop::failed) return "it did not";
  CHECK(rig.read_answer().empty());
  return rig.layer.fault().reason + " / " + rig.peer.fault().reason;
}

std::string numbers(std::size_t count) {
  std::string text;
  for (std::size_t i = 0; i < count; ++i) text += static_cast<char>(i);
  return text;
}

}  // namespace

TEST_CASE("a client's record of RFC 8448 is opened, whole and in pieces [RFC 8448 3]") {
  split_everywhere(hex(kClientRecord), [](const Parts& parts) {
    Rig rig;
    std::string plain;
    for (const Bytes& part : parts) plain += rig.read(text_of(part));
    CHECK(plain == numbers(50));
    CHECK(rig.pool.lent_bytes() == 0);
  });
}

TEST_CASE("a server's record of RFC 8448 is sealed behind its ticket [RFC 8448 3]") {
  Rig rig(0x1301, 1);
  CHECK(rig.write(numbers(50)) == 50);
  CHECK(to_hex(bytes_of(rig.take_output())) == kServerRecord);
}

TEST_CASE("keys are derived as in RFC 8448 [RFC 8446 7.3]") {
  std::array<unsigned char, 16> key;
  std::array<unsigned char, 12> iv;
  const TrafficSecret server = secret(kServerSecret);
  REQUIRE(server.expand(EVP_sha256(), "key", key));
  REQUIRE(server.expand(EVP_sha256(), "iv", iv));
  CHECK(to_hex(std::as_bytes(std::span(key))) == "9f02283b6c9c07efc26bb9f2ac92e356");
  CHECK(to_hex(std::as_bytes(std::span(iv))) == "cf782b88dd83549aadf1e984");
}

TEST_CASE("all suites seal what they open, in records of every size") {
  for (const std::uint16_t id : kSuites) {
    Rig rig(id);
    REQUIRE(rig.layer.ready());
    for (const std::size_t size : {1U, 15U, 16U, 17U, 1000U, 16'383U, 16'384U}) {
      const std::string text(size, 'x');
      CHECK(rig.write(text) == size);
      CHECK(rig.read_answer() == text);
      CHECK(rig.read_inner(text + '\x17') == text);
    }
  }
  CHECK(tls::find_suite(0x1304) == nullptr);
}

TEST_CASE("chunks are joined into one record, from any offset and up to its limit") {
  Rig rig;
  const std::string large(20'000, 'y');
  const std::array chunks{bytes_of("skipped one "), bytes_of(""), bytes_of("two "),
                          bytes_of(large)};
  CHECK(rig.layer.write(chunks, 8, rig.output) == 16'384);
  CHECK(rig.read_answer() == "one two " + std::string(16'376, 'y'));
  CHECK(rig.layer.write({}, 0, rig.output) == 0);
  const std::array empty{bytes_of("")};
  CHECK(rig.layer.write(empty, 0, rig.output) == 0);
  CHECK(rig.output.empty());
}

TEST_CASE("padding is taken off, and empty records are passed over [RFC 8446 5.4]") {
  Rig rig;
  CHECK(rig.read_inner(std::string("hi\x17\0\0\0", 6)) == "hi");
  CHECK(rig.read_inner("\x17") == "");
  CHECK(rig.read_inner(std::string("\x17\0", 2)) == "");
  CHECK(rig.layer.stop() == Stop::none);
  CHECK(rig.read_inner("on\x17") == "on");
}

TEST_CASE("a close_notify ends reading, and what is behind it is ignored [RFC 8446 6.1]") {
  Rig rig;
  const std::string more = sealed_record(rig.client, std::string("\x01\x00\x15", 3));
  const std::string late = sealed_record(rig.client, "late\x17");
  CHECK(rig.read(more + late).empty());
  CHECK(rig.layer.stop() == Stop::ended);
  CHECK(rig.output.empty());
  rig.layer.write_close_notify(rig.output);
  CHECK(rig.read_answer().empty());
  CHECK(rig.peer.stop() == Stop::ended);
}

TEST_CASE("any other alert fails the connection, whatever its level [RFC 8446 6.2]") {
  for (const char level : {'\x01', '\x02'}) {
    Rig rig;
    CHECK(rig.read_inner(std::string{level, '\x30', '\x15'}).empty());
    CHECK(rig.layer.stop() == Stop::failed);
    CHECK(rig.layer.fault().failure == tls::Failure::alert);
    CHECK(rig.layer.fault().reason.contains("alert 48 (unknown CA)"));
    CHECK(rig.output.empty());
  }
  Rig cancelled;
  CHECK(cancelled.read_inner("\x01\x5a\x15").empty());  // user_canceled: a close_notify follows
  CHECK(cancelled.layer.stop() == Stop::none);
}

TEST_CASE("a key update changes the peer's key, and ours where it asks for that [RFC 8446 4.6.3]") {
  for (const std::uint16_t id : kSuites) {
    Rig rig(id);
    for (const bool ask : {false, true, true}) {
      CHECK(rig.read_inner(std::string("\x18\0\0\1", 4) + (ask ? '\1' : '\0') + '\x16') == "");
      rig.client.update();
      CHECK(rig.read_inner("new key\x17") == "new key");
      CHECK(rig.output.empty());
      rig.write("ours");
      CHECK((rig.output.size() > kOursBytes) == ask);
      CHECK(rig.read_answer() == "ours");
    }
    CHECK(rig.layer.stop() == Stop::none);
    CHECK(rig.peer.stop() == Stop::none);
  }
}

TEST_CASE(
    "a flood of requested key updates is answered once, with the next message"
    " [RFC 8446 4.6.3]") {
  Rig rig;
  for (int i = 0; i < 1'000; ++i) {
    CHECK(rig.read_inner(std::string("\x18\0\0\1\1\x16", 6)).empty());
    rig.client.update();
  }
  CHECK(rig.output.empty());
  rig.write("ours");
  CHECK(rig.output.size() == kUpdateBytes + kOursBytes);
  CHECK(rig.read_answer() == "ours");
  rig.write("ours");
  CHECK(rig.output.size() == kOursBytes);
}

TEST_CASE("a requested key update does not follow our close_notify [RFC 8446 6.1]") {
  Rig rig;
  rig.layer.write_close_notify(rig.output);
  const std::size_t bytes = rig.output.size();
  CHECK(rig.read_inner(std::string("\x18\0\0\1\1\x16", 6)).empty());
  CHECK(rig.output.size() == bytes);
}

TEST_CASE("our key is replaced before it has sealed too many records [RFC 8446 5.5]") {
  Rig rig(0x1301, RecordLayer::kRecordsPerKey - 1);
  RecordKeys opening(rig.suite, false, secret(kServerSecret), RecordLayer::kRecordsPerKey - 1);
  REQUIRE(rig.write("last") == 4);
  CHECK(rig.take_output().size() == 5 + 4 + 1 + 16);
  REQUIRE(rig.write("first") == 5);
  // A KeyUpdate of five bytes under the old key, then the text under the new one.
  const std::string wire = rig.take_output();
  REQUIRE(wire.size() == 2 * (5 + 5 + 1 + 16));
  TrafficSecret next = secret(kServerSecret);
  REQUIRE(next.advance(EVP_sha256()));
  RecordLayer reader(rig.suite, secret(kClientSecret), next, 0, rig.pool);
  CHECK(Rig::read_with(reader, std::string_view(wire).substr(27), rig.peer_output) == "first");
}

TEST_CASE("a record that was changed, or comes again, fails the connection [RFC 8446 5.2]") {
  const std::string why =
      "a record was changed on its way / the peer refused with alert 20 (bad "
      "record mac)";
  for (const std::size_t at : {std::size_t{5}, std::size_t{7}, std::size_t{20}}) {
    Rig rig;
    std::string wire = sealed_record(rig.client, "hello\x17");
    wire[at] = static_cast<char>(wire[at] ^ 1);
    CHECK(rig.read(wire).empty());
    CHECK(refusal(rig) == why);
  }
  Rig replayed;
  const std::string wire = sealed_record(replayed.client, "hello\x17");
  CHECK(replayed.read(wire + wire) == "hello");
  CHECK(refusal(replayed) == why);
  Rig dropped;
  static_cast<void>(sealed_record(dropped.client, "lost\x17"));
  CHECK(dropped.read_inner("next\x17").empty());
  CHECK(refusal(dropped) == why);
}

TEST_CASE("records that break RFC 8446 are refused with the right alert") {
  const auto refused = [](std::string_view wire) {
    Rig rig;
    CHECK(rig.read(wire).empty());
    return refusal(rig);
  };
  const auto refused_inner = [](std::string_view inner) {
    Rig rig;
    CHECK(rig.read_inner(inner).empty());
    return refusal(rig);
  };
  const std::string unexpected = " / the peer refused with alert 10 (unexpected_message)";
  const std::string overflow = " / the peer refused with alert 22 (record overflow)";
  const std::string decode = " / the peer refused with alert 50 (decode error)";
  const std::string breaks = "the peer breaks TLS: ";
  CHECK(refused(std::string("\x15\x03\x03\x00\x02\x01\x00", 7)) ==
        breaks + "a record that is not encrypted" + unexpected);
  CHECK(refused(std::string("\x14\x03\x03\x00\x01\x01", 6)) ==
        breaks + "a record that is not encrypted" + unexpected);
  CHECK(refused(std::string("\x17\x03\x03\x41\x01", 5)) ==
        breaks + "a record that is too long" + overflow);
  CHECK(refused(std::string("\x17\x03\x03\x00\x10", 5)) ==
        breaks + "a record that is too short" + decode);
  CHECK(refused_inner(std::string(3, '\0')) == breaks + "a record without content" + unexpected);
  CHECK(refused_inner(std::string(16'385, 'x') + '\x17') ==
        breaks + "a record that is too long" + overflow);
  CHECK(refused_inner("x\x17" + std::string(16'384, '\0')) ==
        breaks + "a record that is too long" + overflow);
  CHECK(refused_inner("x\x18") == breaks + "a record of an unknown type" + unexpected);
  CHECK(refused_inner("\x02\x15") == breaks + "an alert that is none" + decode);
  const std::string misplaced = breaks + "a handshake message out of place" + unexpected;
  CHECK(refused_inner("\x16") == misplaced);
  CHECK(refused_inner(std::string("\x18\0\0\1\2\x16", 6)) ==
        breaks +
            "a KeyUpdate with an unknown request / the peer refused with alert 47 (illegal "
            "parameter)");
  CHECK(refused_inner(std::string("\x18\0\0\1\0\0\x16", 7)) == misplaced);  // more behind it
  CHECK(refused_inner(std::string("\x01\0\0\1\0\x16", 6)) == misplaced);    // a ClientHello
}

TEST_CASE("secrets are read from hexadecimal digits, and nothing else") {
  CHECK(secret("").empty());
  CHECK(secret("0g").empty());
  CHECK(secret("abc").empty());
  CHECK(secret(std::string(98, 'a')).empty());
  CHECK(to_hex(std::as_bytes(secret("00FFab").bytes())) == "00ffab");
  Rig rig;
  RecordLayer without(rig.suite, secret(""), secret(kClientSecret), 0, rig.pool);
  CHECK_FALSE(without.ready());
}
