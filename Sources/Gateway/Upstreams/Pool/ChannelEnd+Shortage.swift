package import Sockets

extension ChannelEnd {
    /// A shortage of this process's own.
    package var isShortage: Bool {
        guard case .unreachable(let code) = self else { return false }
        return DescriptorShortage.isShortage(code)
    }
}
