//! Methods: receivers, and the blocks that methods stand in.

macro_rules! shapes {
    ($handler:meta) => {
        use std::pin::Pin;
        use std::rc::Rc;

        #[derive(Clone, Debug, Default)]
        struct Server {
            requests: u32,
            log: Vec<String>,
            name: String,
        }

        impl Server {
            const LIMIT: u32 = 100;

            #[$handler]
            fn describe(&self, prefix: &str) -> String {
                format!("{prefix}{} {}", self.name, self.requests.min(Self::LIMIT))
            }

            #[$handler]
            fn handle(&mut self, request: String) -> Result<usize, String> {
                self.requests += 1;
                if request.is_empty() {
                    return Err(format!("{}: empty", self.name));
                }
                self.log.push(request);
                let Self { log, requests, .. } = self;
                Ok(log.len() + *requests as usize)
            }

            #[$handler]
            fn finish(self) -> Vec<String> {
                self.log
            }

            #[$handler]
            fn renamed(mut self, name: &str) -> Self {
                self.name.clear();
                self.name.push_str(name);
                self
            }

            #[$handler]
            fn finish_boxed(self: Box<Self>) -> String {
                self.log.concat()
            }

            #[$handler]
            fn finish_mutable_box(mut self: Box<Self>) -> Box<Self> {
                self.requests += 1;
                self
            }

            #[$handler]
            fn share(self: Rc<Self>, more: usize) -> usize {
                Rc::strong_count(&self) + more
            }

            #[$handler]
            fn by_long_reference(self: &mut Self) -> u32 {
                self.requests += 1;
                self.requests
            }

            #[$handler]
            fn pinned(self: Pin<&mut Self>, by: u32) -> u32 {
                let this = self.get_mut();
                this.requests += by;
                this.requests
            }

            #[$handler]
            fn new(name: &str) -> Self {
                Self {
                    name: name.to_owned(),
                    ..Self::default()
                }
            }
        }

        pub(crate) fn shared_receivers() -> String {
            Server::new("s").describe("> ")
        }

        pub(crate) fn exclusive_receivers() -> String {
            let mut server = Server::new("s");
            let answers = ["a", "", "b"].map(|request| server.handle(request.to_owned()));
            let count = server.by_long_reference();
            format!("{answers:?} {count} {server:?}")
        }

        pub(crate) fn consumed_receivers() -> String {
            let mut server = Server::new("s");
            server.handle("a".to_owned()).unwrap();
            let renamed = server.clone().renamed("t");
            format!("{:?} {renamed:?}", server.finish())
        }

        pub(crate) fn boxed_receivers() -> String {
            let mut server = Box::new(Server::new("s"));
            server.handle("a".to_owned()).unwrap();
            let server = server.finish_mutable_box();
            format!("{server:?} {}", server.clone().finish_boxed())
        }

        pub(crate) fn counted_receivers() -> String {
            let server = Rc::new(Server::new("s"));
            let count = Rc::clone(&server).share(10);
            format!("{count} {}", Rc::strong_count(&server))
        }

        pub(crate) fn pinned_receivers() -> String {
            let mut server = Server::new("s");
            let first = Pin::new(&mut server).pinned(2);
            format!("{first} {}", Pin::new(&mut server).pinned(3))
        }

        trait Service {
            type Request: Clone;
            const NAME: &'static str;

            fn serve(&mut self, request: Self::Request) -> Self::Request;

            #[$handler]
            fn serve_twice(&mut self, request: Self::Request) -> (Self::Request, String) {
                let once = self.serve(request);
                (self.serve(once), Self::NAME.to_owned())
            }

            #[$handler]
            fn consume(self, request: Self::Request) -> Self::Request
            where
                Self: Sized + Clone,
            {
                let mut this = self;
                this.serve(request)
            }
        }

        impl Service for Server {
            type Request = u32;
            const NAME: &'static str = "server";

            #[$handler]
            fn serve(&mut self, request: u32) -> u32 {
                self.requests += request;
                self.requests
            }
        }

        trait Reset {
            fn reset(&mut self, requests: u32) -> u32;
        }

        impl Reset for Server {
            #[$handler]
            fn reset(&mut self, requests: u32) -> u32 {
                std::mem::replace(&mut self.requests, requests)
            }
        }

        pub(crate) fn trait_methods() -> String {
            let mut server = Server::new("s");
            let served = server.serve(3);
            let object: &mut dyn Reset = &mut server;
            format!("{served} {} {}", object.reset(4), server.requests)
        }

        pub(crate) fn provided_methods() -> String {
            let mut server = Server::new("s");
            let twice = server.serve_twice(3);
            format!("{twice:?} {}", server.consume(1))
        }

        pub(crate) fn associated_functions() -> String {
            format!("{:?}", Server::new("made"))
        }

        #[derive(Clone, Debug)]
        struct Ring<T, const N: usize> {
            slots: [Option<T>; N],
            next: usize,
        }

        impl<T: Clone, const N: usize> Ring<T, N> {
            #[$handler]
            fn push(&mut self, item: T) -> Option<T> {
                let slot = self.next % N;
                self.next += 1;
                self.slots[slot].replace(item)
            }

            #[$handler]
            fn fold<A: Clone>(&self, start: A, step: impl Fn(A, &T) -> A + Clone) -> A {
                self.slots.iter().flatten().fold(start, step)
            }
        }

        pub(crate) fn generic_impls() -> String {
            let mut ring = Ring::<_, 2> {
                slots: [None, None],
                next: 0,
            };
            let replaced = [1, 2, 3].map(|item| ring.push(item));
            format!(
                "{replaced:?} {} {ring:?}",
                ring.fold(0, |sum, item| sum * 10 + item)
            )
        }
    };
}

compare!(
    shapes:
    shared_receivers exclusive_receivers consumed_receivers boxed_receivers counted_receivers
    pinned_receivers trait_methods provided_methods associated_functions generic_impls
);
