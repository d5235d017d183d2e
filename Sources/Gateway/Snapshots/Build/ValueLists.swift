internal import Config
internal import GatewayModel
internal import Matching
internal import Transport

extension FileOpener {
    /// What the files hold that values are compared with, by their paths; each is read once.
    mutating func valueLists(of configuration: GatewayConfiguration) -> [String: ValueList] {
        var lists: [String: ValueList] = [:]
        for (file, path) in configuration.valueFiles where lists[file] == nil {
            guard let text = bytes(file, at: path) else { continue }
            if let list = ValueList(text) {
                lists[file] = list
            } else {
                let most = ByteSize.text(ValueList.bytesMax)
                report("found \(Quoted.text(file)) with \(text.count) bytes, expected at most \(most)", at: path)
            }
        }
        return lists
    }
}
