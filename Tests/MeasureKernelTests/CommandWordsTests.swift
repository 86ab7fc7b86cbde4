import MeasureKernel
import Testing

@Suite struct CommandWordsTests {
  @Test("words as a shell would split them, and nothing is expanded", arguments: [
    ("sort big.txt", ["sort", "big.txt"]), ("  a\t b  ", ["a", "b"]), (#"grep 'a b' "c \"d\"""#, ["grep", "a b", #"c "d""#]),
    (#"a\ b c"#, ["a b", "c"]), (#"x '' "y""z"'w'"#, ["x", "", "yzw"]),
    (#"echo '\n' "\n" $HOME *"#, ["echo", #"\n"#, #"\n"#, "$HOME", "*"]),
    ("a'|'b", ["a|b"]),
  ])
  func words(_ text: String, _ expected: [String]) throws {
    #expect(try commandWords(text) == expected)
  }

  @Test("what is no list of words is refused with its reason", arguments: [
    ("", "empty"), ("   ", "empty"), ("a 'b", "does not close"), (#"a "b"#, "does not close"), (#"a \"#, "backslash"),
    ("a | b", "shell's `|`"), ("a > b", "shell's `>`"), ("a; b", "shell's `;`"),
  ])
  func refused(_ text: String, _ reason: String) {
    do {
      _ = try commandWords(text)
      Issue.record("no error")
    } catch {
      #expect(error.cause.contains(reason), "\(error)")
      #expect(error.remedy != nil)
    }
  }
}
